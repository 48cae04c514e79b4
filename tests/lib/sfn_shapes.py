"""The answers of AWS Step Functions' API, as its reference documents them, member by member: what orch's commands print is held
against this table. A member is NAME:TYPE, with ? where it may be missing.

    faults(value, 'DescribeExecution')     sentences; an empty list where the value is of that shape
"""
import re

SHAPES = {
    # requests' answers
    'StartExecution': 'executionArn:arn startDate:time',
    'StopExecution': 'stopDate:time',
    'RedriveExecution': 'redriveDate:time',
    'DescribeExecution': '''executionArn:arn stateMachineArn:arn name:name? status:status startDate:time stopDate:time? input:json?
        inputDetails:Included? output:json? outputDetails:Included? error:text? cause:text? traceHeader:text? mapRunArn:arn?
        stateMachineVersionArn:arn? stateMachineAliasArn:arn? redriveCount:count? redriveDate:time? redriveStatus:redrivable?
        redriveStatusReason:text?''',
    'ListExecutions': 'executions:[ExecutionListItem] nextToken:text?',
    'ExecutionListItem': '''executionArn:arn stateMachineArn:arn name:name status:status startDate:time stopDate:time? mapRunArn:arn?
        itemCount:count? stateMachineVersionArn:arn? stateMachineAliasArn:arn? redriveCount:count? redriveDate:time?''',
    'GetExecutionHistory': 'events:[HistoryEvent] nextToken:text?',
    'ValidateStateMachineDefinition': 'result:verdict diagnostics:[Diagnostic] truncated:bool?',
    'Diagnostic': 'severity:severity code:text message:text location:text?',
    'Included': 'included:bool?',
    'Truncated': 'truncated:bool?',
    # details of events
    'stateEnteredEventDetails': 'name:text input:json? inputDetails:Truncated?',
    'stateExitedEventDetails': '''name:text output:json? outputDetails:Truncated? assignedVariables:variables?
        assignedVariablesDetails:Truncated?''',
    'executionStartedEventDetails': '''input:json? inputDetails:Truncated? roleArn:text? stateMachineAliasArn:arn?
        stateMachineVersionArn:arn?''',
    'executionSucceededEventDetails': 'output:json? outputDetails:Truncated?',
    'executionFailedEventDetails': 'error:text? cause:text?',
    'executionAbortedEventDetails': 'error:text? cause:text?',
    'executionTimedOutEventDetails': 'error:text? cause:text?',
    'executionRedrivenEventDetails': 'redriveCount:count?',
    'activityScheduledEventDetails': 'resource:text input:json? inputDetails:Truncated? timeoutInSeconds:count? heartbeatInSeconds:count?',
    'activityScheduleFailedEventDetails': 'error:text? cause:text?',
    'activityStartedEventDetails': 'workerName:text?',
    'activitySucceededEventDetails': 'output:json? outputDetails:Truncated?',
    'activityFailedEventDetails': 'error:text? cause:text?',
    'activityTimedOutEventDetails': 'error:text? cause:text?',
    'mapStateStartedEventDetails': 'length:count?',
    'mapIterationStartedEventDetails': 'name:text? index:count?',
    'mapIterationSucceededEventDetails': 'name:text? index:count?',
    'mapIterationFailedEventDetails': 'name:text? index:count?',
    'mapIterationAbortedEventDetails': 'name:text? index:count?',
    'evaluationFailedEventDetails': 'error:text? cause:text? location:text? state:text',
    # orch's own, marked as such by its name: redrive --from, --definition
    'orchRedriveDetails': 'from:text definitionSha256:text',
}

STATES = 'Pass Task Choice Wait Succeed Parallel Map'.split()
# type: the details that an event of it has, '' none
EVENTS = {f'{s}StateEntered': 'stateEnteredEventDetails' for s in STATES + ['Fail']}
EVENTS.update({f'{s}StateExited': 'stateExitedEventDetails' for s in STATES})
EVENTS.update({f'{s}StateAborted': '' for s in ('Task', 'Wait', 'Parallel', 'Map')})
EVENTS.update({f'{s}State{e}': '' for s in ('Parallel', 'Map') for e in ('Started', 'Succeeded', 'Failed')})
EVENTS['MapStateStarted'] = 'mapStateStartedEventDetails'
EVENTS.update({f'MapIteration{e}': f'mapIteration{e}EventDetails' for e in ('Started', 'Succeeded', 'Failed', 'Aborted')})
EVENTS.update({f'Execution{e}': f'execution{e}EventDetails' for e in ('Started', 'Succeeded', 'Failed', 'Aborted', 'TimedOut', 'Redriven')})
EVENTS.update({f'Activity{e}': f'activity{e}EventDetails' for e in ('Scheduled', 'ScheduleFailed', 'Started', 'Succeeded', 'Failed', 'TimedOut')})
EVENTS['EvaluationFailed'] = 'evaluationFailedEventDetails'
OURS = {'ExecutionRedriven': 'orchRedriveDetails'}

WORDS = {
    'status': 'RUNNING SUCCEEDED FAILED TIMED_OUT ABORTED PENDING_REDRIVE'.split(),
    'redrivable': 'REDRIVABLE NOT_REDRIVABLE REDRIVABLE_BY_MAP_RUN'.split(),
    'verdict': ['OK', 'FAIL'],
    'severity': ['ERROR', 'WARNING'],
}
FORMS = {
    'arn': r'arn:[^\s]{1,251}',
    'time': r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z',  # aws prints a timestamp so
    'name': r'.{1,80}',
    'text': r'(?s).*',
    'json': r'(?s).*',
}


def of_type(v, kind, where):
    if kind.startswith('['):
        if not isinstance(v, list):
            return [f'{where} is no list']
        return [x for i, item in enumerate(v) for x in faults(item, kind[1:-1], f'{where}[{i}]')]
    if kind in SHAPES or kind == 'HistoryEvent':
        return faults(v, kind, where)
    if kind == 'bool':
        return [] if isinstance(v, bool) else [f'{where} is no bool']
    if kind == 'count':
        return [] if isinstance(v, int) and not isinstance(v, bool) and v >= 0 else [f'{where} is no count: {v!r}']
    if kind == 'variables':
        return [] if isinstance(v, dict) and all(isinstance(x, str) for x in v.values()) else [f'{where} is no map of JSON texts']
    if not isinstance(v, str):
        return [f'{where} is no text: {v!r}']
    if kind in WORDS:
        return [] if v in WORDS[kind] else [f'{where}: {v!r} is none of its words']
    if not re.fullmatch(FORMS[kind], v):
        return [f'{where}: {v!r} is no {kind}']
    if kind == 'json':
        import json
        try:
            json.loads(v)
        except ValueError:
            return [f'{where} is no JSON: {v[:60]!r}']
    return []


def event(v, where):
    if not isinstance(v, dict):
        return [f'{where} is no object']
    kind = v.get('type')
    if kind not in EVENTS:
        return [f'{where}: no event type {kind!r}']
    members = f'timestamp:time type:text id:count previousEventId:count? {EVENTS[kind] and EVENTS[kind] + ":" + EVENTS[kind]}'
    if kind in OURS:
        members += f' {OURS[kind]}:{OURS[kind]}?'
    return of_members(v, members, f'{where} ({kind})')


def of_members(v, members, where):
    if not isinstance(v, dict):
        return [f'{where} is no object']
    known, found = {}, []
    for word in members.split():
        name, kind = word.rstrip('?').split(':')
        known[name] = kind
        if name not in v and not word.endswith('?'):
            found.append(f'{where} lacks {name}')
    for name, value in v.items():
        found += of_type(value, known[name], f'{where}.{name}') if name in known else [f'{where}.{name} is unknown to AWS']
    return found


def faults(v, shape, where=None):
    return event(v, where or shape) if shape == 'HistoryEvent' else of_members(v, SHAPES[shape], where or shape)


def history_faults(document):
    """The shape, and what holds of ids: from 1 on without a gap, each pointing back."""
    found = faults(document, 'GetExecutionHistory')
    ids = [e.get('id') for e in document['events']]
    if ids != list(range(1, len(ids) + 1)):
        found.append(f'ids are {ids[:20]}')
    found += [f'event {e["id"]} points at {e["previousEventId"]}' for e in document['events'] if not 0 <= e['previousEventId'] < e['id']]
    return found
