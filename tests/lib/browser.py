"""Chromium, asked over its own pipe (no packages): what a page looks like, and what its console says."""
import json, os, shutil, signal, subprocess, tempfile


class Browser:
    """b = Browser.start(); None where there is no chromium. The DevTools protocol, one tab."""
    @staticmethod
    def start():
        exe = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
        return Browser(exe) if exe else None

    def __init__(self, exe):
        self.dir = tempfile.mkdtemp(prefix='orch-chromium.')
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()

        def files():
            os.dup2(to_read, 3)
            os.dup2(from_write, 4)
        for fd in (to_read, from_write):
            os.set_inheritable(fd, True)
        # 3 and 4 may be among the four: moved away first
        self.p = subprocess.Popen([exe, '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-extensions', '--disable-background-networking',
                                   '--disable-dev-shm-usage', '--hide-scrollbars', f'--user-data-dir={self.dir}', '--remote-debugging-pipe', 'about:blank'],
                                  preexec_fn=files, pass_fds=(3, 4), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_read)
        os.close(from_write)
        self.out, self.inp, self.rest, self.n, self.events, self.session = to_write, from_read, b'', 0, [], None
        target = next(t for t in self.call('Target.getTargets')['targetInfos'] if t['type'] == 'page')
        self.session = self.call('Target.attachToTarget', targetId=target['targetId'], flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def message(self):
        while b'\0' not in self.rest:
            part = os.read(self.inp, 1 << 16)
            if not part:
                raise RuntimeError('chromium is gone')
            self.rest += part
        one, self.rest = self.rest.split(b'\0', 1)
        return json.loads(one)

    def call(self, method, **params):
        self.n += 1
        m = {'id': self.n, 'method': method, 'params': params}
        if self.session:
            m['sessionId'] = self.session
        os.write(self.out, json.dumps(m).encode() + b'\0')
        while True:
            got = self.message()
            if got.get('id') == self.n:
                if 'error' in got:
                    raise RuntimeError(f'{method}: {got["error"]}')
                return got['result']
            self.events.append(got)

    def open(self, url, width=1280, height=900, dark=False):
        self.events = []
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])
        self.call('Page.navigate', url=url)
        while not any(e.get('method') == 'Page.loadEventFired' for e in self.events):
            self.events.append(self.message())

    def js(self, expression):
        r = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in r:
            raise RuntimeError(str(r['exceptionDetails']))
        return r['result'].get('value')

    def said(self):
        """Errors and warnings of the console, violations of the policy, scripts that threw, requests that failed."""
        self.js('1')
        out = []
        for e in self.events:
            m, p = e.get('method'), e.get('params', {})
            if m == 'Log.entryAdded' and p['entry']['level'] in ('error', 'warning'):
                out.append(p['entry']['text'])
            elif m == 'Runtime.exceptionThrown':
                out.append(str(p['exceptionDetails'].get('exception', {}).get('description')))
            elif m == 'Runtime.consoleAPICalled' and p['type'] in ('error', 'warning', 'assert'):
                out.append(str(p['args']))
            elif m == 'Network.loadingFailed':
                out.append(p['errorText'])
        return out

    def shot(self, path, whole=False):
        import base64
        with open(path, 'wb') as f:
            f.write(base64.b64decode(self.call('Page.captureScreenshot', format='png', captureBeyondViewport=whole)['data']))

    def close(self):
        if self.p.poll() is None:
            os.killpg(self.p.pid, signal.SIGKILL)
            self.p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


# Of every text that is seen: its contrast with what is behind it. The worst, and where.
CONTRAST = r"""(() => {
  const rgba = (c) => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] === undefined ? 1 : m[3]]; };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = (c) => { const f = c.slice(0, 3).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const behind = (e) => { const all = []; for (let x = e; x; x = x.parentElement) all.push(rgba(getComputedStyle(x).backgroundColor)); let c = rgba(getComputedStyle(document.body).backgroundColor); for (const a of all.reverse()) c = over(a, c); return c; };
  let worst = [99, ''];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const t = walk.currentNode, e = t.parentElement;
    if (!t.data.trim() || ['SCRIPT', 'STYLE', 'TITLE', 'DESC', 'title', 'desc'].includes(e.tagName)) continue;
    const r = e.getBoundingClientRect(), s = getComputedStyle(e);
    if (r.width < 2 || r.height < 2 || s.visibility === 'hidden') continue;
    const fg = over(rgba(e.namespaceURI.endsWith('svg') ? s.fill : s.color), behind(e)), bg = behind(e), a = light(fg), b = light(bg);
    const k = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (k < worst[0]) worst = [k, `${e.tagName}.${e.getAttribute('class') || ''} "${t.data.trim().slice(0, 40)}"`];
  }
  return worst;
})()"""
WIDTH = '[document.documentElement.scrollWidth, innerWidth]'
