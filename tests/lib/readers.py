"""Readers of what orch writes that have nothing of orch in them: CSV with NULL apart from the empty text, packed files, and
Avro's object container files. Of the standard library, and zstd where a file is packed by it."""
import gzip, json, struct, subprocess, zlib


def unpack(key, data):
    if key.endswith('.gz'):
        return gzip.decompress(data)
    if key.endswith('.zst'):
        return subprocess.run(['zstd', '-d', '-c', '-q'], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def read_csv(text, delimiter, eol, null):
    """RFC 4180, strictly: rows of texts, None where a field is null and unquoted."""
    rows, row, at = [], [], 0
    while at < len(text):
        if text[at] == '"':
            field, at = [], at + 1
            while True:
                end = text.index('"', at)
                field.append(text[at:end])
                at = end + 1
                if text[at:at + 1] != '"':
                    break
                field.append('"')
                at += 1
            row.append(''.join(field))
        else:
            ends = [x for x in (text.find(delimiter, at), text.find(eol, at)) if x >= 0]
            end = min(ends) if ends else len(text)
            field = text[at:end]
            if any(c in field for c in '"\r\n'):
                raise ValueError(f'row {len(rows)}: {field[:60]!r} should be quoted')
            row.append(None if field == null else field)
            at = end
        if text.startswith(delimiter, at):
            at += len(delimiter)
            if at == len(text):
                raise ValueError('the last row has no end')
            if text.startswith(eol, at):
                row.append(None if null == '' else '')
                rows.append(row)
                row, at = [], at + len(eol)
        elif text.startswith(eol, at):
            at += len(eol)
            rows.append(row)
            row = []
        else:
            raise ValueError(f'row {len(rows)}: {text[at:at + 40]!r} where a delimiter or a line end should be')
    return rows


def _long(b, at):
    shift = value = 0
    while True:
        c = b[at]
        at += 1
        value |= (c & 127) << shift
        shift += 7
        if c < 128:
            return (value >> 1) ^ -(value & 1), at


def _bytes(b, at):
    n, at = _long(b, at)
    return b[at:at + n], at + n


def _value(b, at, type_):
    if isinstance(type_, list):
        i, at = _long(b, at)
        return _value(b, at, type_[i])
    kind = type_['type'] if isinstance(type_, dict) else type_
    logical = type_.get('logicalType') if isinstance(type_, dict) else None
    if kind == 'null':
        return None, at
    if kind in ('int', 'long'):
        return _long(b, at)
    if kind == 'float':
        return struct.unpack_from('<f', b, at)[0], at + 4
    if kind == 'double':
        return struct.unpack_from('<d', b, at)[0], at + 8
    if kind == 'string':
        v, at = _bytes(b, at)
        return v.decode(), at
    if kind == 'bytes':
        v, at = _bytes(b, at)
        if logical != 'decimal':
            return v, at
        n, scale = int.from_bytes(v, 'big', signed=True), type_.get('scale', 0)
        digits = str(abs(n)).rjust(scale + 1, '0')
        return ('-' if n < 0 else '') + (digits[:-scale] + '.' + digits[-scale:] if scale else digits), at
    raise ValueError(f'{type_} is not read here')


def read_avro(data):
    """The schema's fields, and rows of values."""
    if data[:4] != b'Obj\x01':
        raise ValueError('no Avro file')
    at, meta = 4, {}
    while True:
        n, at = _long(data, at)
        if n == 0:
            break
        if n < 0:
            _, at = _long(data, at)
        for _ in range(abs(n)):
            k, at = _bytes(data, at)
            v, at = _bytes(data, at)
            meta[k.decode()] = v
    sync, at = data[at:at + 16], at + 16
    fields = json.loads(meta['avro.schema'])['fields']
    rows = []
    while at < len(data):
        n, at = _long(data, at)
        block, at = _bytes(data, at)
        if meta.get('avro.codec', b'null') == b'deflate':
            block = zlib.decompress(block, -15)
        if data[at:at + 16] != sync:
            raise ValueError('a block ends wrong')
        at += 16
        place = 0
        for _ in range(n):
            row = []
            for f in fields:
                v, place = _value(block, place, f['type'])
                row.append(v)
            rows.append(row)
        if place != len(block):
            raise ValueError('a block has more than its rows')
    return fields, rows
