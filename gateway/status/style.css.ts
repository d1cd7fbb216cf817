export const STYLE_PATH = '/style.css';

/**
 * The console's look, in what browsers of ten years ago know: no custom properties, no grid that matters. Colours keep a contrast
 * of 4.5:1 and more (WCAG 2.2, 1.4.3) in both schemes.
 */
export const style = `
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0; background: #f4f6f8; color: #1b2530;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
a { color: #0f5c80; }
a:focus, button:focus { outline: 3px solid #b25a00; outline-offset: 2px; }
main:focus { outline: none; }
.top { background: #ffffff; border-bottom: 1px solid #d5dce3; }
.product { margin: 0 auto; max-width: 80rem; padding: .8rem 1.25rem; font-weight: 600; }
main { display: block; max-width: 80rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2rem 0 .75rem; }
p { margin: 0 0 .75rem; max-width: 44rem; }
code { font: .92em/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; word-break: break-word; overflow-wrap: anywhere; }
time { font-variant-numeric: tabular-nums; }
.quiet { color: #55626f; font-size: .925rem; }
.because { display: block; margin-top: .25rem; font-size: .925rem; overflow-wrap: anywhere; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip: rect(0 0 0 0); white-space: nowrap; }
.skip { position: absolute; left: -999rem; top: 0; padding: .75rem 1rem; background: #ffffff; z-index: 1; }
.skip:focus { left: 0; }
.card, table { background: #ffffff; border: 1px solid #d5dce3; border-radius: 8px; margin: 0 0 1rem; }
.card { padding: 1rem 1.25rem; }
.facts { margin: 0; }
.facts div { padding: .3rem 0; overflow: hidden; }
.facts dt { float: left; width: 14rem; padding-right: 1rem; color: #55626f; }
.facts dd { margin: 0 0 0 14rem; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: separate; border-spacing: 0; }
th, td { padding: .6rem .9rem; text-align: left; vertical-align: top; overflow-wrap: break-word; }
thead th { font-size: .875rem; font-weight: 600; color: #55626f; border-bottom: 1px solid #d5dce3; }
tbody th { font-weight: 600; }
.state { display: block; min-width: 14rem; }
.address { display: block; min-width: 9rem; overflow-wrap: anywhere; }
tbody tr + tr > * { border-top: 1px solid #d5dce3; }
.badge {
  display: inline-block; padding: .05rem .6rem; border-radius: .85rem; font-size: .9rem; font-weight: 600;
  border: 1px solid currentColor; color: #46525e; background: #e8ecf0;
}
.badge.good { color: #1d6b3a; background: #e3f3e8; }
.badge.wait { color: #6d5200; background: #fdf3d0; }
.badge.bad { color: #a3231c; background: #fdeae8; }
.notice, .problem { border: 1px solid #d5dce3; border-radius: 8px; padding: .8rem 1.1rem; margin: 1rem 0; max-width: none; background: #e3eff5; }
.problem { border-color: #a3231c; color: #a3231c; background: #fdeae8; }
.problem p { margin-bottom: .35rem; }
form { display: inline-block; margin: 0 .35rem .35rem 0; }
.button {
  display: inline-block; font: inherit; font-weight: 600; line-height: 1.3; padding: .35rem .8rem; min-height: 2.25rem; border-radius: 6px;
  border: 1px solid #14506b; color: #14506b; background: #ffffff; cursor: pointer; text-decoration: none;
}
.button.danger { border-color: #a3231c; color: #a3231c; }
@media (max-width: 46rem) {
  .facts dt { float: none; width: auto; }
  .facts dd { margin: 0; }
  table, tbody, tr, tbody th, td { display: block; }
  thead { display: none; }
  tbody tr { padding: .6rem 1rem; }
  tbody tr + tr { border-top: 1px solid #d5dce3; }
  tbody tr + tr > * { border-top: 0; }
  tbody th, td { padding: .2rem 0; }
  .state, .address { min-width: 0; }
  tbody th::before, td::before { content: attr(data-column); display: block; color: #55626f; font-size: .875rem; font-weight: 400; }
}
@media (prefers-color-scheme: dark) {
  body { background: #12181e; color: #e6ebf0; }
  a { color: #8cc8e4; }
  a:focus, button:focus { outline-color: #ffb35c; }
  .top, .card, table, .skip { background: #1b232b; border-color: #35414d; }
  thead th, tbody tr + tr, tbody tr + tr > * { border-color: #35414d; }
  .quiet, .facts dt, thead th, tbody th::before, td::before { color: #a5b2be; }
  .badge { color: #b9c5d0; background: #2a343e; }
  .badge.good { color: #8fdcab; background: #17382a; }
  .badge.wait { color: #f0d27a; background: #3a3013; }
  .badge.bad { color: #ffb0a8; background: #4a1f1c; }
  .notice { background: #1c3542; border-color: #35414d; }
  .problem { color: #ffb0a8; border-color: #ffb0a8; background: #4a1f1c; }
  .button { color: #a5d3e8; border-color: #a5d3e8; background: #1b232b; }
  .button.danger { color: #ffb0a8; border-color: #ffb0a8; }
}
@media print { .skip, form, .button { display: none; } body { background: none; } }
`;
