/** The report's style sheet: system fonts, dark where the reader's system is, plain black on white on paper. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #d5d9de; --faint: #5b6470; --bar: #2f6f9f; --tick: #b3541e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --paper: #16191d; --line: #363c44; --faint: #9aa4b0; --bar: #6aa9d8; --tick: #e39a68; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p { margin: .3rem 0 .7rem; max-width: 60rem; }
.lead { font-size: 1.1rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: .7rem 1.5rem; margin: 1.2rem 0; }
dt { color: var(--faint); font-size: .82rem; }
dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: .86rem; }
th { text-align: left; font-weight: 600; color: var(--faint); }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
.mono { font-family: ui-monospace, monospace; font-size: .8rem; }
.small { color: var(--faint); font-size: .82rem; }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg text.small { fill: var(--faint); font-size: 11px; }
svg .bar { fill: var(--bar); }
svg .tick { stroke: var(--tick); stroke-width: 3; }
svg .rail { stroke: var(--line); }
footer { margin-top: 2.5rem; color: var(--faint); font-size: .82rem; }
@media print {
  :root { color-scheme: light; --ink: #000; --paper: #fff; --line: #bbb; --faint: #444; --bar: #555; --tick: #000; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  tr, h2, h3, svg { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  thead { display: table-header-group; }
}
`;
