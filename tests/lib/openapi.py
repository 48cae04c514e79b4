"""Answers held against openapi.json, both ways: what the schema does not name is a fault, and what it names and lacks too."""


class Openapi:
    def __init__(self, doc):
        self.doc = doc
        self.operations = {(m.upper(), p): o for p, item in doc['paths'].items() for m, o in item.items()}
        self.seen = set()

    def schema_of(self, method, path, status=200):
        try:
            return self.operations[method, path]['responses'][str(status)]['content']['application/json']['schema']
        except KeyError:
            return None

    def faults(self, schema, value, where='answer'):
        if '$ref' in schema:
            name = schema['$ref'].rsplit('/', 1)[1]
            self.seen.add(name)
            return self.faults(self.doc['components']['schemas'][name], value, where)
        if 'anyOf' in schema:
            tries = [self.faults(s, value, where) for s in schema['anyOf']]
            return min(tries, key=len)
        kinds = {'string': str, 'integer': int, 'boolean': bool, 'object': dict, 'array': list, 'null': type(None)}
        want = schema.get('type')
        if want is not None and (not isinstance(value, kinds[want]) or (want == 'integer' and isinstance(value, bool))):
            return [f'{where}: {want} is expected, and is {value!r}'[:200]]
        if want == 'array':
            return [f for i, x in enumerate(value) for f in self.faults(schema['items'], x, f'{where}[{i}]')]
        if want == 'object' and 'properties' in schema:
            out = [f'{where}.{k} is in no schema' for k in value if k not in schema['properties']]
            out += [f'{where}.{k} is missing' for k in schema['required'] if k not in value]
            return out + [f for k, x in value.items() if k in schema['properties'] for f in self.faults(schema['properties'][k], x, f'{where}.{k}')]
        return []

    def check(self, method, path, answer):
        schema = self.schema_of(method, path, answer.status)
        return [f'{method} {path} {answer.status} has no schema'] if schema is None else self.faults(schema, answer.json, path)
