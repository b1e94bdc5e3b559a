/** The look of a check's page, by day and by night, from a phone's width up. */

/** The style sheet. */
export const pageStyle = `
:root {
  --ground: #f7f7f5; --sheet: #fff; --text: #1d2024; --soft: #5d646d; --line: #e0dfda;
  --bad: #b3261e; --bad-tint: #fbe9e7; --look: #8a5a00; --look-tint: #fdf1d8;
  --good: #1b6e3c; --good-tint: #e3f3e8; --code: #f1f0ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141619; --sheet: #1c1f23; --text: #e7e5e1; --soft: #a2a8b1; --line: #33383f;
    --bad: #ff9b90; --bad-tint: #40211f; --look: #f3c467; --look-tint: #3a2f18;
    --good: #86d6a3; --good-tint: #1c3526; --code: #26292e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 64rem; background: var(--ground);
  color: var(--text); -webkit-text-size-adjust: 100%;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { margin: 0 0 .4rem; font-size: clamp(1.5rem, 5vw, 2.1rem); line-height: 1.2; letter-spacing: -.02em; text-wrap: balance; }
h2 { margin: 0; font-size: 1.15rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; }
.soft { color: var(--soft); }
nav { margin: 1.25rem 0 2rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: .2rem .65rem; border-radius: 1rem; border: 1px solid var(--line); background: var(--sheet); color: inherit; font-size: .88rem; text-decoration: none; }
nav a:hover, nav a:focus-visible { border-color: currentcolor; }
nav a.error { color: var(--bad); } nav a.warn { color: var(--look); }
section { margin: 0 0 1.5rem; padding: 1.1rem 1.25rem 1.25rem; background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; scroll-margin-top: 1rem; }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .8rem; }
.pill { padding: .08rem .55rem; border-radius: 1rem; font-size: .8rem; font-weight: 600; white-space: nowrap; }
.error .pill, .pill.error { background: var(--bad-tint); color: var(--bad); }
.warn .pill, .pill.warn { background: var(--look-tint); color: var(--look); }
.pill.good { background: var(--good-tint); color: var(--good); }
.facts { margin: .25rem 0 0; color: var(--soft); font-size: .9rem; }
ol { margin: 1rem 0 0; padding: 0; list-style: none; }
li.found { padding: .7rem 0; border-top: 1px solid var(--line); }
.found .what { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .6rem; }
.found p { margin: .3rem 0 0; overflow-wrap: anywhere; }
.found .band { color: var(--soft); font-size: .88rem; }
code { font: .84em ui-monospace, "SF Mono", Menlo, Consolas, monospace; padding: .1em .35em; border-radius: .25rem; background: var(--code); overflow-wrap: anywhere; }
details { margin: 1rem 0 0; }
summary { color: var(--soft); font-size: .9rem; cursor: pointer; }
.wide { overflow-x: auto; }
table { width: 100%; margin: .6rem 0 0; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 550; }
td.number { text-align: right; white-space: nowrap; }
footer { color: var(--soft); font-size: .85rem; }
@media (max-width: 40rem) { body { padding: 1.5rem 1rem 3rem; } section { padding: 1rem; } }
@media print { body { max-width: none; padding: 0; } nav { display: none; } section { break-inside: avoid; } }
`
