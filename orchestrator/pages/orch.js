// What helps a little where scripts run. The pages are whole without it; nothing here builds markup from text.
'use strict';
(() => {
  const EVERY = 30000;

  // --- ages grow, and the clock goes on, by how long the page has been open ---
  const opened = Date.now();
  const clock = document.getElementById('clock');
  const served = clock ? Date.parse(clock.dateTime) : opened;
  const span = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    return s < 120 ? `${s} s` : s < 7200 ? `${Math.floor(s / 60)} min` : s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
  };
  const age = () => {
    const now = served + Date.now() - opened;
    for (const t of document.querySelectorAll('time[data-ago]')) {
      t.textContent = `${span(now - Date.parse(t.dateTime))} ago`;
    }
  };

  // --- a button beside each command ---
  const buttons = () => {
    for (const c of document.querySelectorAll('code.cmd')) {
      if (!navigator.clipboard || c.nextElementSibling?.className === 'copy') continue;
      const b = document.createElement('button');
      b.type = 'button';
      b.className = 'copy';
      b.textContent = 'copy';
      b.setAttribute('aria-label', `copy: ${c.textContent}`);
      b.addEventListener('click', async () => {
        try {
          await navigator.clipboard.writeText(c.textContent);
          b.textContent = 'copied';
        } catch {
          b.textContent = 'no clipboard';
        }
        setTimeout(() => { b.textContent = 'copy'; }, 2000);
      });
      c.after(b);
    }
  };

  // --- the heat map: arrows go from cell to cell; a cell, then another with Shift: the command for all between ---
  let from = null;
  const place = (a) => a.getAttribute('href').split('/').pop();
  const arrows = (e) => {
    const td = e.target.closest?.('.heat td');
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
    if (!td || !by) return;
    let tr = td.parentElement, col = td.cellIndex;
    for (;;) {
      if (by[0]) tr = by[0] < 0 ? tr.previousElementSibling : tr.nextElementSibling;
      col += by[1];
      const next = tr?.cells[col];
      if (!next || next.tagName !== 'TD') return;
      const a = next.querySelector('a');
      if (a) {
        e.preventDefault();
        a.focus();
        return;
      }
    }
  };
  const choose = (e) => {
    const a = e.target.closest?.('.heat td a');
    if (!a || !e.shiftKey) return;
    e.preventDefault();
    document.querySelector('.heat .from')?.classList.remove('from');
    if (!from) {
      from = a;
      a.parentElement.classList.add('from');
      return;
    }
    const ends = [place(from), place(a)].sort();
    const flow = decodeURIComponent(a.getAttribute('href').split('/')[2]);
    from = null;
    let out = document.getElementById('range');
    if (!out) {
      out = document.createElement('p');
      out.id = 'range';
      out.setAttribute('role', 'status');
      a.closest('.wide').after(out);
    }
    const code = document.createElement('code');
    code.className = 'cmd';
    code.textContent = `orch replay ${flow} --from ${ends[0]} --to ${ends[1]} --reason '…'`;
    out.replaceChildren(code);
    buttons();
  };

  // --- the page again, where nobody is in the midst of something ---
  const busy = () => {
    const at = document.activeElement;
    return document.hidden || from || document.querySelector('main details[open], #range') || !getSelection().isCollapsed ||
      (at && at !== document.body && document.getElementById('main').contains(at));
  };
  const again = async () => {
    if (busy() || document.querySelector('main form')) return;
    try {
      const r = await fetch(location.href, { credentials: 'same-origin', cache: 'no-store' });
      if (!r.ok || !(r.headers.get('content-type') || '').startsWith('text/html')) return;
      const fresh = new DOMParser().parseFromString(await r.text(), 'text/html');
      if (busy()) return;
      const scroll = [...document.querySelectorAll('main .wide')].map((w) => w.scrollLeft);
      for (const id of ['main', 'clock']) {
        const old = document.getElementById(id), now = fresh.getElementById(id);
        if (old && now) old.replaceChildren(...now.childNodes);
      }
      document.querySelectorAll('main .wide').forEach((w, i) => { w.scrollLeft = scroll[i] || 0; });
      buttons();
    } catch {
      // the server is away: what is shown says how old it is
    }
  };

  document.addEventListener('keydown', arrows);
  document.addEventListener('click', choose);
  buttons();
  setInterval(age, 5000);
  setInterval(again, EVERY);
})();
