export const STYLE_PATH = '/console/style.css';

/** One plain sheet for all pages. Colours keep a contrast of 4.5:1 and more (WCAG 2.2, 1.4.3) in both schemes. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f4f6f8; --paper: #ffffff; --ink: #1b2530; --quiet: #55626f; --line: #d5dce3;
  --accent: #14506b; --accent-ink: #ffffff; --link: #0f5c80; --focus: #b25a00;
  --good: #1d6b3a; --good-ground: #e3f3e8; --wait: #6d5200; --wait-ground: #fdf3d0;
  --bad: #a3231c; --bad-ground: #fdeae8; --idle: #46525e; --idle-ground: #e8ecf0;
  --note: #e3eff5; --practice: #fff4db; --practice-line: #dcb660;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12181e; --paper: #1b232b; --ink: #e6ebf0; --quiet: #a5b2be; --line: #35414d;
    --accent: #a5d3e8; --accent-ink: #0d2a38; --link: #8cc8e4; --focus: #ffb35c;
    --good: #8fdcab; --good-ground: #17382a; --wait: #f0d27a; --wait-ground: #3a3013;
    --bad: #ffb0a8; --bad-ground: #4a1f1c; --idle: #b9c5d0; --idle-ground: #2a343e;
    --note: #1c3542; --practice: #372c12; --practice-line: #7d6527;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink); min-height: 100vh; display: flex; flex-direction: column;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif;
}
a { color: var(--link); text-underline-offset: .15em; }
a:hover { text-decoration-thickness: .12em; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 1.25rem; overflow-wrap: anywhere; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2rem 0 .75rem; }
h3 { font-size: 1.05rem; line-height: 1.3; margin: 0 0 .5rem; }
p { margin: 0 0 .75rem; max-width: 44rem; }
code, pre { font: .92em/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; }
pre {
  margin: 0 0 1rem; padding: .75rem 1rem; background: var(--ground); border: 1px solid var(--line); border-radius: 6px;
  white-space: pre-wrap; overflow-wrap: anywhere;
}
pre:last-child, p:last-child { margin-bottom: 0; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
tbody th time { font-weight: 400; }
th code, td code { white-space: nowrap; }
th a, td a { overflow-wrap: anywhere; }
td code.long { display: inline-block; min-width: 11rem; white-space: normal; }
.address { display: inline-block; min-width: 11rem; }
.quiet, .hint { color: var(--quiet); font-size: .925rem; }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; left: -999rem; top: 0; padding: .75rem 1rem; background: var(--paper); z-index: 1; }
.skip:focus { left: 0; }

.top { background: var(--paper); border-bottom: 1px solid var(--line); }
.bar, main, .bottom { width: 100%; max-width: 72rem; margin: 0 auto; padding-left: 1.25rem; padding-right: 1.25rem; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.5rem; padding-top: .6rem; padding-bottom: .6rem; }
.product { margin: 0; font-weight: 650; letter-spacing: -.01em; }
.product a { color: inherit; text-decoration: none; }
.bar nav { flex: 1; }
.bar nav ul { display: flex; flex-wrap: wrap; gap: .25rem; margin: 0; padding: 0; list-style: none; }
.bar nav a { display: block; padding: .4rem .7rem; border-radius: 6px; color: var(--ink); text-decoration: none; }
.bar nav a:hover { background: var(--ground); text-decoration: underline; }
.bar nav a[aria-current] { background: var(--note); font-weight: 600; }
.stand-in { background: var(--practice); border-bottom: 1px solid var(--practice-line); font-size: .95rem; }
.stand-in p, .stand-in ul { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
.stand-in p { padding-top: .6rem; }
.stand-in ul { display: flex; flex-wrap: wrap; gap: .15rem 1.5rem; list-style: none; padding-bottom: .6rem; }
main { flex: 1; padding-top: 1.5rem; padding-bottom: 3rem; }
.trail ol { display: flex; flex-wrap: wrap; margin: 0 0 .5rem; padding: 0; list-style: none; font-size: .925rem; }
.trail li { overflow-wrap: anywhere; color: var(--quiet); }
.trail li + li::before { content: "/"; padding: 0 .5rem; color: var(--quiet); }
.bottom { padding-top: 1rem; padding-bottom: 1.5rem; font-size: .925rem; color: var(--quiet); }
.bottom p { margin: 0; }
.languages { display: flex; flex-wrap: wrap; gap: .25rem .5rem; margin: 0 0 .5rem -.5rem; }
.languages button {
  font: inherit; color: var(--link); background: none; border: 0; padding: .35rem .5rem; cursor: pointer; border-radius: 6px;
  text-decoration: underline; text-underline-offset: .15em;
}
.languages button[aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; }

.card, table {
  background: var(--paper); border: 1px solid var(--line); border-radius: 8px; margin: 0 0 1rem;
}
.card { padding: 1.1rem 1.25rem; }
.card > h2:first-child { margin-top: 0; }
.narrow { max-width: 34rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 0 1rem; }
.heading { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .5rem 1rem; margin: 2rem 0 .75rem; }
.heading h2 { margin: 0; }
.links { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin-top: -.5rem; }
.health { display: flex; flex-wrap: wrap; gap: .1rem 1rem; max-width: none; color: var(--quiet); }
.health strong { color: var(--good); }
.health strong::before { content: "●" / ""; padding-right: .4rem; }

table { width: 100%; border-collapse: separate; border-spacing: 0; }
th, td { padding: .6rem .9rem; text-align: left; vertical-align: top; overflow-wrap: break-word; }
thead th { font-size: .875rem; font-weight: 600; color: var(--quiet); border-bottom: 1px solid var(--line); }
tbody th { font-weight: 600; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
.facts { margin: 0 0 .75rem; }
.facts div { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: 0 1rem; padding: .3rem 0; align-items: baseline; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.columns .facts div { grid-template-columns: 9.5rem 1fr; }
.because { display: block; margin-top: .25rem; font-size: .925rem; }
.secret { font-size: 1.25rem; letter-spacing: .04em; font-weight: 600; }

.badge {
  display: inline-block; padding: .08rem .6rem; border-radius: .85rem; font-size: .9rem; font-weight: 600; white-space: nowrap;
  color: var(--idle); background: var(--idle-ground); border: 1px solid currentColor;
}
.badge::before { content: "○" / ""; padding-right: .4rem; font-weight: 400; }
.badge-acquired, .badge-sent { color: var(--good); background: var(--good-ground); }
.badge-acquired::before, .badge-sent::before { content: "✓" / ""; }
.badge-waiting, .badge-held, .badge-deferred, .badge-expiring { color: var(--wait); background: var(--wait-ground); }
.badge-waiting::before, .badge-held::before, .badge-deferred::before { content: "…" / ""; }
.badge-invalid, .badge-failed, .badge-urgent { color: var(--bad); background: var(--bad-ground); }
.badge-invalid::before, .badge-failed::before, .badge-expiring::before, .badge-urgent::before { content: "!" / ""; font-weight: 700; }
.notice, .problem { border-radius: 8px; padding: .8rem 1.1rem; margin: 0 0 1.25rem; max-width: none; border: 1px solid; }
.notice { background: var(--note); border-color: var(--line); }
.problem { background: var(--bad-ground); border-color: var(--bad); color: var(--bad); }
.problem a { color: inherit; }
.incident { border-left-width: .4rem; }
.problem p { margin-bottom: .35rem; }
.problem dl { margin: .5rem 0 0; font-size: .925rem; }
.problem dl div { display: flex; flex-wrap: wrap; gap: 0 .5rem; }
.problem dt::after { content: ":"; }
.problem dd { margin: 0; overflow-wrap: anywhere; }
.done { font-size: 1.1rem; font-weight: 600; color: var(--good); }
.done::before { content: "✓" / ""; padding-right: .5rem; }

.field { margin: 0 0 1.1rem; }
.field label { display: block; font-weight: 600; margin-bottom: .2rem; }
.field .hint, .field .wrong { margin: 0 0 .3rem; }
.wrong { color: var(--bad); font-weight: 600; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 0 1rem; }
input, select, textarea {
  width: 100%; font: inherit; color: var(--ink); background: var(--paper);
  border: 1px solid var(--quiet); border-radius: 6px; padding: .5rem .65rem; min-height: 2.75rem;
}
fieldset.field { border: 0; padding: 0; margin-left: 0; margin-right: 0; min-width: 0; }
fieldset.field legend { font-weight: 600; margin-bottom: .2rem; padding: 0; }
.tick { display: flex; gap: .6rem; align-items: baseline; margin: 0 0 .35rem; }
.tick input { width: auto; flex: none; }
.field .tick label { font-weight: 400; margin: 0; }
input[readonly] { background: var(--ground); }
input[aria-invalid], select[aria-invalid], textarea[aria-invalid] { border: 2px solid var(--bad); }
.actions { display: flex; flex-wrap: wrap; gap: .6rem; max-width: none; }
.inline { display: inline; margin: 0; }
.button {
  display: inline-flex; align-items: center; justify-content: center; font: inherit; font-weight: 600; line-height: 1.3; padding: .6rem 1.05rem; min-height: 2.75rem;
  border-radius: 6px; border: 1px solid var(--accent); cursor: pointer; text-decoration: none; text-align: center;
  color: var(--accent); background: var(--paper);
}
.button:hover { text-decoration: underline; }
.button.primary { background: var(--accent); color: var(--accent-ink); }
.button.danger { border-color: var(--bad); color: var(--bad); }
button.button.danger { background: var(--bad); color: var(--paper); }
td .button { padding: .35rem .8rem; min-height: 2.25rem; }
.bar .button { padding: .35rem .8rem; min-height: 2.25rem; font-weight: 500; }
.pager { display: flex; gap: 1.5rem; }

@media (max-width: 46rem) {
  h1 { font-size: 1.45rem; }
  .bar { gap: .25rem .75rem; }
  .bar nav { order: 3; flex-basis: 100%; margin: 0 -.7rem; }
  .bar .product { flex: 1; }
  .card { padding: 1rem; }
  .facts div { grid-template-columns: 1fr; padding: .35rem 0; }
  .columns .facts div { grid-template-columns: 1fr; }
  .columns { grid-template-columns: 1fr; }
  .heading .button { width: 100%; }
  .heading .actions { width: 100%; }
  table, tbody, tr, tbody th, td { display: block; }
  thead { display: none; }
  tbody tr { padding: .6rem 1rem; }
  tbody tr + tr { border-top: 1px solid var(--line); }
  tbody tr + tr > * { border-top: 0; }
  tbody th, td { padding: .2rem 0; display: grid; grid-template-columns: 7.5rem 1fr; gap: .75rem; }
  tbody th::before, td::before { content: attr(data-column); color: var(--quiet); font-size: .875rem; font-weight: 400; }
  tbody th > span, td > span { min-width: 0; overflow-wrap: anywhere; }
  time, .badge, th code, td code { white-space: normal; }
  .address, td code.long { min-width: 0; }
}
@media print { .top, .stand-in, .bottom, .actions, .trail { display: none; } body { background: none; } }
`;
