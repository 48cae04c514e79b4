#!/usr/bin/python3
"""A slow second opinion on schedules, written from the grammars' texts and sharing nothing with cron/.

    referee.py next EXPR ZONE FROM COUNT     # the times, one a line
    referee.py fill < cases > table          # "expr | zone | from | count" becomes rows of cases.txt

It walks minute by minute over the days that can matter. What the local clock says is zoneinfo's business. cron(...)
fires at local minutes that come for the first time (fold 0). Of crontab it plays Debian's cron daemon: a virtual clock
that runs after the real one, wildcard jobs by the real one, all others by the virtual one.
"""
import calendar
import re
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
NICKNAMES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
             "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}
UTC = timezone.utc
END = date(2199, 12, 31)


def value(text, names):
    return names[text.upper()] if text.upper() in names else int(text)


def expand(text, low, high, names):
    """The set of a field without L, W and #. A value with a step runs to the end; a backward range wraps."""
    out = set()
    for item in text.split(","):
        body, _, step = item.partition("/")
        if body == "*":
            run = list(range(low, high + 1))
        elif "-" in body:
            a, b = (value(x, names) for x in body.split("-"))
            run = list(range(a, b + 1)) if a <= b else list(range(a, high + 1)) + list(range(low, b + 1))
        else:
            a = value(body, names)
            run = list(range(a, high + 1)) if step else [a]
        out |= set(run[::int(step or 1)])
    return out


class Schedule:
    def __init__(self, text):
        self.eventbridge = text.startswith("cron(")
        fields = (text[5:-1] if self.eventbridge else NICKNAMES.get(text, text)).split()
        months = {n: i + 1 for i, n in enumerate(MONTHS)}
        first = 1 if self.eventbridge else 0
        self.days = {n: i + first for i, n in enumerate(DAYS)}
        self.minutes = expand(fields[0], 0, 59, {})
        self.hours = expand(fields[1], 0, 23, {})
        self.dom, self.dow = fields[2].upper(), fields[4].upper()
        self.months = expand(fields[3], 1, 12, months)
        self.years = expand(fields[5], 1970, 2199, {}) if self.eventbridge else set(range(1970, 2200))
        self.wild = fields[0][0] == "*" or fields[1][0] == "*"
        self.doms = None if re.search(r"[LW?]", self.dom) else expand(self.dom, 1, 31, {})
        self.dows = None if re.search(r"[?#]|L", self.dow) else expand(self.dow, first, 7, self.days)
        self.cache = {}

    def dom_matches(self, d):
        last = calendar.monthrange(d.year, d.month)[1]
        if self.doms is not None:
            return d.day in self.doms
        if self.dom == "?":
            return True
        return any(self.special_matches(x, d, last) if x[-1] == "W" or x[0] == "L" else d.day in expand(x, 1, 31, {})
                   for x in self.dom.split(","))

    @staticmethod
    def special_matches(text, d, last):
        m = re.fullmatch(r"L(?:-(\d+))?(W?)|(\d+)W", text)
        want = int(m[3]) if m[3] else last - int(m[1] or 0)
        if not 1 <= want <= last:
            return False
        if not (m[2] or m[3]):
            return d.day == want
        weekdays = [x for x in range(1, last + 1) if date(d.year, d.month, x).isoweekday() < 6]
        near = min(weekdays, key=lambda x: abs(x - want))  # never two at one distance: a weekend has two days
        return d.day == near

    def dow_matches(self, d):
        n = d.isoweekday() % 7 + (1 if self.eventbridge else 0)  # Sunday 1, or 0
        if self.dows is not None:
            return n in self.dows or (not self.eventbridge and n == 0 and 7 in self.dows)
        if self.dow == "?":
            return True
        if self.dow == "L":
            return d.isoweekday() == 6
        m = re.fullmatch(r"(\w+?)(?:L|#(\d))", self.dow)
        if n != value(m[1], self.days):
            return False
        if m[2]:
            return (d.day - 1) // 7 + 1 == int(m[2])
        return (d + timedelta(days=7)).month != d.month

    def day(self, d):
        if d not in self.cache:
            ok = d.year in self.years and d.month in self.months
            if ok:
                a, b = self.dom_matches(d), self.dow_matches(d)
                either = not self.eventbridge and self.dom[0] != "*" and self.dow[0] != "*"
                ok = (a or b) if either else (a and b)
            self.cache[d] = ok
        return self.cache[d]

    def at(self, local):
        return local.minute in self.minutes and local.hour in self.hours and self.day(local.date())


def walk(s, zone, start, end):
    """Fires of whole UTC minutes from start (exclusive) to end (exclusive)."""
    tz = ZoneInfo(zone)
    begin = start.replace(second=0, microsecond=0)
    offsets = {(begin + timedelta(hours=h)).replace(tzinfo=UTC).astimezone(tz).utcoffset() for h in range(-48, 25, 3)}
    if len(offsets) > 1:  # the virtual clock must have been where the real one has
        begin -= timedelta(days=2)
    virtual = None
    t = begin
    while t < end:
        aware = t.replace(tzinfo=UTC).astimezone(tz)
        local = aware.replace(tzinfo=None, fold=0)
        if s.eventbridge:
            fires = aware.fold == 0 and s.at(local)
        else:
            if virtual is None:
                virtual = local - timedelta(minutes=1)
            late = (local - virtual) // timedelta(minutes=1)
            if -180 < late <= 0:  # the clock went back: wildcard jobs only, until the virtual one is caught up with
                fires = s.wild and s.at(local)
            elif 1 < late <= 180:  # the clock went forward: others are made up for
                fires = s.at(local) if s.wild else any(s.at(virtual + timedelta(minutes=i)) for i in range(1, late + 1))
                virtual = local
            else:
                fires = s.at(local)
                virtual = local
        if fires and t > start:
            yield t
        t += timedelta(minutes=1)


def next_times(text, zone, start, count):
    """Up to count times after start; fewer: then never again."""
    s = Schedule(text)
    out, day = [], start.date()
    while len(out) < count and day <= END:
        around = [day + timedelta(days=i) for i in (-2, -1, 0, 1, 2)]
        if any(s.day(d) for d in around):
            midnight = datetime(day.year, day.month, day.day)
            low = max(start, midnight - timedelta(microseconds=1))
            for t in walk(s, zone, low, midnight + timedelta(days=1)):
                out.append(t)
                if len(out) == count:
                    break
        day += timedelta(days=1)
    return out


def stamp(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def show(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def row(expr, zone, start, count):
    times = [show(t) for t in next_times(expr, zone, stamp(start), count)]
    return f"{expr} | {zone} | {start} | {' '.join(times + ['never'] * (len(times) < count))}"


def main():
    if sys.argv[1:2] == ["next"]:
        print("\n".join(show(t) for t in next_times(sys.argv[2], sys.argv[3], stamp(sys.argv[4]), int(sys.argv[5]))))
    elif sys.argv[1:2] == ["fill"]:
        for line in sys.stdin:
            line = line.rstrip("\n")
            if line.startswith("#") or not line.strip():
                print(line)
            else:
                expr, zone, start, count = (x.strip() for x in line.split("|"))
                print(row(expr, zone, start, int(count)), flush=True)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
