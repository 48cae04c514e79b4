"""Definitions with what comes out of them, by the developer guide of AWS Step Functions and the Amazon States Language
specification: for tests/t/simulate.t. A case: what, definition, input ({}), mocks (state -> answers: (value,) is returned,
a dict is thrown), want (output; or status, error, cause; types: those of the events, in order, or sorted where ordered is
False)."""

ACT = 'arn:aws:states:us-east-1:000000000000:activity:work'


def chain(**states):
    """The states one after the other."""
    names = list(states)
    for name, after in zip(names, names[1:] + [None]):
        s = states[name] = dict(states[name])
        if s['Type'] not in ('Succeed', 'Fail', 'Choice') and 'Next' not in s and 'End' not in s:
            s.update({'Next': after} if after else {'End': True})
    return {'StartAt': names[0], 'States': states}


def machine(start, **states):
    return {'StartAt': start, 'States': states}


def activity(**more):
    return {'Type': 'Task', 'Resource': ACT, 'TimeoutSeconds': 60, **more}


def pass_state(**more):
    return {'Type': 'Pass', **more}


CASES = []


def case(what, definition, want, **more):
    CASES.append({'what': what, 'definition': definition, 'want': want, **more})


def gives(what, parameters, output, given=None, **more):
    """What a payload template makes of the input."""
    case(what, chain(A=pass_state(Parameters=parameters, **more)), {'output': output}, input={} if given is None else given)


def fails(what, state, error='States.Runtime', given=None, **more):
    case(what, chain(A=state), {'status': 'FAILED', 'error': error}, input={} if given is None else given, **more)


def call(what, text, value, given=None):
    gives(f'{what}: {text}', {'v.$': text}, {'v': value}, given)


def call_fails(text, given=None):
    """What a function cannot do is shown as States.Runtime, and ErrorEquals knows it as States.IntrinsicFailure too."""
    fails(f'an intrinsic that fails: {text}', pass_state(Parameters={'v.$': text}), 'States.Runtime', given)


# -- data flow
gives('Parameters: paths, literals, depth', {'a.$': '$.x', 'b': {'c.$': '$.y[1]', 'd': [1, {'e.$': '$$.State.Name'}]}},
      {'a': {'n': 1}, 'b': {'c': 'two', 'd': [1, {'e': 'A'}]}}, {'x': {'n': 1}, 'y': ['one', 'two']})
case('InputPath, Parameters, ResultPath, OutputPath in this order',
     chain(A=pass_state(InputPath='$.in', Parameters={'p.$': '$.x'}, ResultPath='$.r', OutputPath='$.r')),
     {'output': {'p': 7}}, input={'in': {'x': 7}, 'other': 1})
case('ResultPath goes onto the raw input', chain(A=pass_state(InputPath='$.in', ResultPath='$.a.b')),
     {'output': {'in': 1, 'a': {'b': 1}}}, input={'in': 1})
case('null as InputPath and OutputPath', chain(A=pass_state(InputPath=None, ResultPath='$.r'), B=pass_state(ResultPath=None),
                                               C=pass_state(OutputPath=None)), {'output': {}}, input={'x': 1})
case('null as ResultPath discards the result', chain(A=pass_state(Result={'y': 1}, ResultPath=None)), {'output': {'x': 1}}, input={'x': 1})
case('Result is taken as it is', chain(A=pass_state(Result={'a.$': '$.x'})), {'output': {'a.$': '$.x'}}, input={'x': 1})
case('ResultSelector reshapes an answer', chain(A=activity(ResultSelector={'n.$': '$.deep.n', 's.$': '$$.State.Name'}, ResultPath='$.r')),
     {'output': {'x': 1, 'r': {'n': 7, 's': 'A'}}}, input={'x': 1}, mocks={'A': [({'deep': {'n': 7}},)]})
fails('an InputPath that finds nothing', pass_state(InputPath='$.none'))
fails('an OutputPath that finds nothing', pass_state(OutputPath='$.none'))
fails('a path in Parameters that finds nothing', pass_state(Parameters={'a.$': '$.none'}))
fails('a ResultPath into a string', pass_state(ResultPath='$.a.b'), 'States.ResultPathMatchFailure', {'a': 'text'})
gives('the context object', {'i.$': '$$.Execution.Input.x', 'n.$': '$$.Execution.Name', 'm.$': '$$.StateMachine.Name', 'r.$': '$$.Execution.RedriveCount'},
      {'i': 1, 'n': 'simulation', 'm': 'w', 'r': 0}, {'x': 1})
gives('numbers stay what they are', {'a.$': '$.a', 'b.$': '$.b', 'c.$': '$.c'}, {'a': 1, 'b': 9223372036854775807, 'c': 1.5},
      {'a': 1, 'b': 9223372036854775807, 'c': 1.5})

# -- paths
STORE = {'store': {'book': [{'t': 'a', 'price': 8}, {'t': 'b', 'price': 12}, {'t': 'c', 'price': 9, 'isbn': 'x'}], 'bike': {'price': 20}}}
for path, value in [
    ('$.store.book[*].t', ['a', 'b', 'c']),
    ('$.store.book[0].t', 'a'),
    ("$['store']['bike']['price']", 20),
    ('$.store.book[(@.length-1)].t', 'c'),
    ('$.store.book[-1:].t', ['c']),
    ('$.store.book[0:2].t', ['a', 'b']),
    ('$.store.book[:1].t', ['a']),
    ('$.store.book[1:].t', ['b', 'c']),
    ('$.store.book[0,2].t', ['a', 'c']),
    ('$..price', [8, 12, 9, 20]),
    ('$.store..t', ['a', 'b', 'c']),
    ('$.store.book[?(@.price < 10)].t', ['a', 'c']),
    ('$.store.book[?(@.isbn)].t', ['c']),
    ("$.store.book[?(@.t == 'b')].price", [12]),
    ('$.store.book[?(@.price > 8 && @.price < 12)].t', ['c']),
    ('$.store.book[?(@.price == 100)].t', []),
    ('$.store.bike.*', [20]),
]:
    call('a full path', path, value, STORE)
case('full paths in InputPath and OutputPath', chain(A=pass_state(InputPath='$..price', ResultPath='$.p', OutputPath='$.p[0:2]')),
     {'output': [8, 12]}, input=STORE)
fails('an index that is not there, on the way', pass_state(Parameters={'v.$': '$.store.book[7].t'}), given=STORE)

# -- intrinsic functions, with the examples of the developer guide
call('Format', "States.Format('Hello, my name is {}.', $.name)", 'Hello, my name is Arnav.', {'name': 'Arnav'})
call('Format takes anything', "States.Format('{} {} {} {}', $.n, $.b, $.s, null)", '1 true s null', {'n': 1, 'b': True, 's': 's'})
call('Format without arguments', "States.Format('{}', 'x')", 'x')
call('escapes', r"States.Format('\'{}\' \{\} \\', 'x')", "'x' {} \\")
call('StringToJson', 'States.StringToJson($.s)', {'a': [1, 'x']}, {'s': '{"a": [1, "x"]}'})
call('JsonToString', 'States.JsonToString($.o)', '{"a":[1,"x"]}', {'o': {'a': [1, 'x']}})
call('Array', "States.Array('a', 1, $.x, null, true)", ['a', 1, {'y': 2}, None, True], {'x': {'y': 2}})
call('Array of nothing', 'States.Array()', [])
call('ArrayPartition', 'States.ArrayPartition($.a, 4)', [[1, 2, 3, 4], [5, 6, 7, 8], [9]], {'a': list(range(1, 10))})
call('ArrayContains', 'States.ArrayContains($.a, $.v)', True, {'a': [1, 2, 3, 4, 5, 6, 7, 8, 9], 'v': 5})
call('ArrayContains not', "States.ArrayContains($.a, 'x')", False, {'a': [1, 'y']})
call('ArrayRange', 'States.ArrayRange(1, 9, 2)', [1, 3, 5, 7, 9])
call('ArrayRange down', 'States.ArrayRange(3, 1, -1)', [3, 2, 1])
call('ArrayGetItem', 'States.ArrayGetItem($.a, $.i)', 6, {'a': [1, 2, 3, 4, 5, 6, 7, 8, 9], 'i': 5})
call('ArrayLength', 'States.ArrayLength($.a)', 9, {'a': [1, 2, 3, 4, 5, 6, 7, 8, 9]})
call('ArrayUnique', 'States.ArrayUnique($.a)', [1, 2, 3, 4], {'a': [1, 2, 3, 3, 3, 3, 3, 3, 4]})
call('Base64Encode', 'States.Base64Encode($.s)', 'RGF0YSB0byBlbmNvZGU=', {'s': 'Data to encode'})
call('Base64Decode', 'States.Base64Decode($.s)', 'Decoded data', {'s': 'RGVjb2RlZCBkYXRh'})
call('Hash', "States.Hash($.d, $.a)", 'aaff4a450a104cd177d28d18d74485e8cae074b7', {'d': 'input data', 'a': 'SHA-1'})
call('Hash MD5', "States.Hash('', 'MD5')", 'd41d8cd98f00b204e9800998ecf8427e')
call('Hash SHA-256', "States.Hash('', 'SHA-256')", 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
call('JsonMerge', 'States.JsonMerge($.a, $.b, false)', {'a': {'a3': 1, 'a4': 2}, 'b': 2, 'c': 3},
     {'a': {'a': {'a1': 1, 'a2': 2}, 'b': 2}, 'b': {'a': {'a3': 1, 'a4': 2}, 'c': 3}})
call('MathAdd', 'States.MathAdd($.v, $.s)', 110, {'v': 111, 's': -1})
call('MathRandom of one', 'States.MathRandom(7, 8)', 7)
call('StringSplit', 'States.StringSplit($.s, $.d)', ['1', '2', '3', '4', '5'], {'s': '1,2,3,4,5', 'd': ','})
call('StringSplit by any of several', 'States.StringSplit($.s, $.d)', ['This', 'is', 'a', 'test', 'string'],
     {'s': 'This.is+a,test=string', 'd': '.+,='})
call('nesting', "States.Format('{}-{}', States.ArrayGetItem(States.StringSplit('a,b', ','), 1), States.MathAdd(1, States.ArrayLength($.a)))",
     'b-3', {'a': [1, 2]})
gives('a UUID is a UUID', {'v.$': 'States.ArrayLength(States.StringSplit(States.UUID(), \'-\'))'}, {'v': 5})
for text in ['States.ArrayGetItem($.a, 9)', 'States.StringToJson($.s)', "States.MathAdd('1', 2)", 'States.ArrayPartition($.a, 0)',
             'States.ArrayRange(0, 5000, 1)', "States.Hash('x', 'CRC')", 'States.JsonMerge($.o, $.o, true)']:
    call_fails(text, {'a': [1], 's': '{', 'o': {}})
case('Catch of a Task sees it', chain(A=activity(Parameters={'v.$': 'States.ArrayGetItem($.a, 9)'},
                                                 Catch=[{'ErrorEquals': ['States.IntrinsicFailure'], 'ResultPath': None, 'Next': 'B'}]),
                                      B=pass_state(Result='caught')), {'output': 'caught'}, input={'a': [1]}, mocks={})

# -- Choice, Wait, Succeed, Fail
choose = machine('C', C={'Type': 'Choice', 'Default': 'D', 'Choices': [
    {'And': [{'Variable': '$.x', 'IsPresent': True}, {'Variable': '$.x', 'NumericGreaterThan': 5}], 'Next': 'A'},
    {'Not': {'Variable': '$.x', 'IsPresent': True}, 'Next': 'B'}]}, A=pass_state(Result='A', End=True),
    B=pass_state(Result='B', End=True), D=pass_state(Result='D', End=True))
for given, taken in [({'x': 6}, 'A'), ({}, 'B'), ({'x': 5}, 'D'), ({'x': '6'}, 'D')]:
    case(f'Choice on {given}', choose, {'output': taken}, input=given)
case('no rule matches, and no Default', machine('C', C={'Type': 'Choice', 'Choices': [{'Variable': '$.x', 'IsNull': True, 'Next': 'E'}]},
                                                E={'Type': 'Succeed'}), {'status': 'FAILED', 'error': 'States.Runtime'}, input={'x': 1})
case('Fail by paths', chain(A={'Type': 'Fail', 'ErrorPath': '$.e', 'CausePath': '$.c'}), {'status': 'FAILED', 'error': 'E', 'cause': 'why'},
     input={'e': 'E', 'c': 'why'})
case('Fail by a function', chain(A={'Type': 'Fail', 'Error': 'E', 'CausePath': "States.Format('{} is bad', $.n)"}),
     {'status': 'FAILED', 'error': 'E', 'cause': '7 is bad'}, input={'n': 7})
case('Wait by paths', chain(A={'Type': 'Wait', 'SecondsPath': '$.s'}, B={'Type': 'Wait', 'TimestampPath': '$.t'}, C=pass_state(
    Parameters={'at.$': '$$.State.EnteredTime'})), {'output': {'at': '2022-06-06T00:00:00.000Z'}}, input={'s': 5, 't': '2022-06-06T00:00:00Z'})
fails('Wait for no number', {'Type': 'Wait', 'SecondsPath': '$.s'}, given={'s': 'x'})

# -- Retry and Catch
case('each Retry rule counts for itself', chain(A=activity(Retry=[{'ErrorEquals': ['E'], 'MaxAttempts': 1}, {'ErrorEquals': ['States.ALL'], 'MaxAttempts': 1}])),
     {'output': 'third'}, mocks={'A': [{'Error': 'E'}, {'Error': 'F'}, ('third',)]})
case('MaxAttempts 0 is never', chain(A=activity(Retry=[{'ErrorEquals': ['E'], 'MaxAttempts': 0}, {'ErrorEquals': ['States.ALL']}])),
     {'status': 'FAILED', 'error': 'E'}, mocks={'A': [{'Error': 'E'}]})
case('States.TaskFailed is not a time-out', chain(A=activity(Catch=[{'ErrorEquals': ['States.TaskFailed'], 'Next': 'B'}, {'ErrorEquals': ['States.Timeout'],
     'Next': 'C'}]), B=pass_state(End=True), C=pass_state(Result='timed out')), {'output': 'timed out'}, mocks={'A': [{'Error': 'States.Timeout'}]})
case('Catch after Retry; its ResultPath', chain(A=activity(Retry=[{'ErrorEquals': ['E'], 'MaxAttempts': 2}], Catch=[{'ErrorEquals': ['States.ALL'],
     'ResultPath': '$.err', 'Next': 'B'}]), B=pass_state()), {'output': {'x': 1, 'err': {'Error': 'E', 'Cause': 'c'}}}, input={'x': 1},
     mocks={'A': [{'Error': 'E', 'Cause': 'c'}] * 3})
case('nothing catches States.Runtime', chain(A=activity(Parameters={'a.$': '$.none'}, Catch=[{'ErrorEquals': ['States.ALL'], 'Next': 'B'}]),
                                             B=pass_state()), {'status': 'FAILED', 'error': 'States.Runtime'}, mocks={})
case('RetryCount', chain(A=activity(Parameters={'n.$': '$$.State.RetryCount'}, Retry=[{'ErrorEquals': ['E']}])), {'output': 'ok'},
     mocks={'A': [{'Error': 'E'}, ('ok',)]})
case('time-outs by paths', chain(A=activity(TimeoutSecondsPath='$.t', HeartbeatSecondsPath='$.h') | {'TimeoutSeconds': None}), {'output': 1},
     input={'t': 9, 'h': 3}, mocks={'A': [(1,)]})
del CASES[-1]['definition']['States']['A']['TimeoutSeconds']
case('a task token', chain(A={'Type': 'Task', 'Resource': 'arn:aws:states:::sqs:sendMessage.waitForTaskToken', 'TimeoutSeconds': 9,
                              'Parameters': {'QueueUrl': 'u', 'MessageBody': {'t.$': '$$.Task.Token'}}}), {'output': {'sent': True}},
     mocks={'A': [({'sent': True},)]})
case('Credentials of a Task', chain(A=activity(Credentials={'RoleArn.$': '$.role'})), {'output': 1}, mocks={'A': [(1,)]},
     input={'role': 'arn:aws:iam::000000000000:role/other'})

# -- variables
case('Assign: set, read, unchanged by what comes after', chain(
    A=pass_state(Assign={'n.$': '$.x', 'o': {'p.$': '$.x'}}, OutputPath=None), B=pass_state(Assign={'n': 2, 'old.$': '$n'}),
    C=pass_state(Parameters={'n.$': '$n', 'old.$': '$old', 'p.$': '$o.p', 'sum.$': 'States.MathAdd($n, $old)'})),
    {'output': {'n': 2, 'old': 1, 'p': 1, 'sum': 3}}, input={'x': 1})
case('Assign of a Task sees its result', chain(A=activity(Assign={'r.$': '$.deep'}, ResultPath=None), B=pass_state(Parameters={'r.$': '$r', 'x.$': '$.x'})),
     {'output': {'r': 7, 'x': 1}}, input={'x': 1}, mocks={'A': [({'deep': 7},)]})
case('Assign of a Choice: the rule that matches, else its own', chain(
    A={'Type': 'Choice', 'Assign': {'by': 'default'}, 'Default': 'B', 'Choices': [{'Variable': '$.x', 'NumericEquals': 1, 'Assign': {'by': 'rule'}, 'Next': 'B'}]},
    B=pass_state(Parameters={'by.$': '$by'})), {'output': {'by': 'rule'}}, input={'x': 1})
case('Assign of a Catch', chain(A=activity(Catch=[{'ErrorEquals': ['States.ALL'], 'Assign': {'e.$': '$.Error'}, 'Next': 'B'}]),
                                B=pass_state(Parameters={'e.$': '$e'})), {'output': {'e': 'E'}}, mocks={'A': [{'Error': 'E', 'Cause': 'c'}]})
case('a variable in a Choice', chain(A=pass_state(Assign={'n': 3}), B={'Type': 'Choice', 'Default': 'D', 'Choices': [
    {'Variable': '$n', 'NumericEquals': 3, 'Next': 'C'}]}, C=pass_state(Result='yes', End=True), D=pass_state(Result='no')), {'output': 'yes'})
case('a branch sees variables around it, and its own stay in it', chain(
    A=pass_state(Assign={'n': 1}), B={'Type': 'Parallel', 'Branches': [chain(X=pass_state(Assign={'m.$': '$n'}), Y=pass_state(Parameters={'m.$': '$m'}))]}),
    {'output': [{'m': 1}]})

# -- Parallel
two = {'Type': 'Parallel', 'Branches': [chain(L=pass_state(Parameters={'left.$': '$.x'})), chain(R=pass_state(Result='right'))]}
case('Parallel: the outputs in the order of its branches', chain(P=two), {'output': [{'left': 1}, 'right'], 'types': ' '.join(sorted(
    'ExecutionStarted ParallelStateEntered ParallelStateStarted PassStateEntered PassStateExited PassStateEntered PassStateExited '
    'ParallelStateSucceeded ParallelStateExited ExecutionSucceeded'.split()))}, input={'x': 1}, ordered=False)
case('Parallel: ResultSelector, ResultPath', chain(P={**two, 'ResultSelector': {'l.$': '$[0].left', 'r.$': '$[1]'}, 'ResultPath': '$.p'}),
     {'output': {'x': 1, 'p': {'l': 1, 'r': 'right'}}}, input={'x': 1})
case('Parallel: a branch that fails, fails it', chain(P={'Type': 'Parallel', 'Branches': [chain(F={'Type': 'Fail', 'Error': 'E', 'Cause': 'c'}),
     chain(W={'Type': 'Wait', 'Seconds': 60})]}), {'status': 'FAILED', 'error': 'E'})
case('Parallel: and Catch sees the error', chain(P={'Type': 'Parallel', 'Branches': [chain(F={'Type': 'Fail', 'Error': 'E', 'Cause': 'c'})],
     'Catch': [{'ErrorEquals': ['E'], 'Next': 'Q'}]}, Q=pass_state()), {'output': {'Error': 'E', 'Cause': 'c'}})
case('Parallel: Retry runs all of it again', chain(P={'Type': 'Parallel', 'Branches': [chain(T=activity())], 'Retry': [{'ErrorEquals': ['E']}]}),
     {'output': ['second']}, mocks={'T': [{'Error': 'E'}, ('second',)]})
case('Parallel in Parallel', chain(P={'Type': 'Parallel', 'Branches': [chain(Q={'Type': 'Parallel', 'Branches': [chain(X=pass_state()), chain(Y=pass_state())]})]}),
     {'output': [[7, 7]]}, input=7)
case('branches wait side by side', chain(P={'Type': 'Parallel', 'Branches': [chain(U={'Type': 'Wait', 'Seconds': 60}), chain(V={'Type': 'Wait', 'Seconds': 90})]},
     Z=pass_state(Parameters={'at.$': '$$.State.EnteredTime'})), {'output': {'at': '2022-06-05T12:01:30.000Z'}})

# -- Map
each = {'ProcessorConfig': {'Mode': 'INLINE'}, **chain(I=pass_state())}
case('Map: the outputs in the order of the items', chain(M={'Type': 'Map', 'ItemsPath': '$.a', 'ItemProcessor': each}), {
    'output': [3, 1, 2], 'types': 'ExecutionStarted MapStateEntered MapStateStarted ' + 'MapIterationStarted PassStateEntered PassStateExited MapIterationSucceeded ' * 3
    + 'MapStateSucceeded MapStateExited ExecutionSucceeded'}, input={'a': [3, 1, 2]})
CASES[-1]['ordered'] = False
CASES[-1]['want']['types'] = ' '.join(sorted(CASES[-1]['want']['types'].split()))
case('Map of nothing', chain(M={'Type': 'Map', 'ItemProcessor': each}), {'output': []}, input=[])
case('Map: ItemSelector, $$.Map.Item', chain(M={'Type': 'Map', 'ItemsPath': '$.a', 'ItemSelector': {'i.$': '$$.Map.Item.Index', 'v.$': '$$.Map.Item.Value',
     'x.$': '$.x'}, 'ItemProcessor': each}), {'output': [{'i': 0, 'v': 'p', 'x': 1}, {'i': 1, 'v': 'q', 'x': 1}]}, input={'a': ['p', 'q'], 'x': 1})
case('Map by its old names', chain(M={'Type': 'Map', 'ItemsPath': '$.a', 'Parameters': {'v.$': '$$.Map.Item.Value'}, 'Iterator': chain(I=pass_state())}),
     {'output': [{'v': 1}]}, input={'a': [1]})
case('Map: answers go by call, in the order of the items', chain(M={'Type': 'Map', 'MaxConcurrency': 1, 'ItemProcessor': {'ProcessorConfig': {'Mode': 'INLINE'},
     **chain(T=activity())}}), {'output': ['a', 'b', 'c']}, input=[1, 2, 3], mocks={'T': [('a',), ('b',), ('c',)]})
case('Map: an item that fails, fails it', chain(M={'Type': 'Map', 'ItemProcessor': chain(F={'Type': 'Fail', 'Error': 'E', 'Cause': 'c'}),
     'Catch': [{'ErrorEquals': ['States.ALL'], 'Next': 'C'}]}, C=pass_state()), {'output': {'Error': 'E', 'Cause': 'c'}}, input=[1])
case('Map: Catch within an iteration', chain(M={'Type': 'Map', 'ItemProcessor': chain(T=activity(Catch=[{'ErrorEquals': ['E'], 'ResultPath': None, 'Next': 'N'}]),
     N=pass_state())}), {'output': [1, 'ok']}, input=[1, 2], mocks={'T': [{'Error': 'E'}, ('ok',)]})
case('Map of no array', chain(M={'Type': 'Map', 'ItemsPath': '$.a', 'ItemProcessor': each}), {'status': 'FAILED', 'error': 'States.Runtime'}, input={'a': 1})
case('Map: ResultSelector, ResultPath', chain(M={'Type': 'Map', 'ItemsPath': '$.a', 'ItemProcessor': each, 'ResultSelector': {'all.$': '$'}, 'ResultPath': '$.r'}),
     {'output': {'a': [1], 'r': {'all': [1]}}}, input={'a': [1]})
case('MaxConcurrency bounds what waits', chain(M={'Type': 'Map', 'MaxConcurrency': 2, 'ItemProcessor': chain(W={'Type': 'Wait', 'Seconds': 60})},
     Z=pass_state(Parameters={'at.$': '$$.State.EnteredTime'})), {'output': {'at': '2022-06-05T12:02:00.000Z'}}, input=[1, 2, 3])
case('MaxConcurrencyPath must be an integer', chain(M={'Type': 'Map', 'ItemsPath': '$.a', 'MaxConcurrencyPath': '$.m', 'ItemProcessor': each}),
     {'status': 'FAILED', 'error': 'States.Runtime'}, input={'a': [1], 'm': 'x'})
case('Map in Map', chain(M={'Type': 'Map', 'ItemProcessor': chain(N={'Type': 'Map', 'ItemProcessor': chain(I=pass_state())})}), {'output': [[1, 2], [3]]}, input=[[1, 2], [3]])
