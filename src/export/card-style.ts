/** The look of a model card's page, by day and by night, from a phone's width up. */

/** The style sheet. */
export const cardStyle = `
:root {
  --ground: #fbfaf7; --sheet: #ffffff; --text: #1c1f23; --soft: #5b626c; --line: #dfdcd3;
  --accent: #b7791f; --mark: #9b2c2c; --code: #f2efe7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14161a; --sheet: #1b1e24; --text: #e6e4df; --soft: #a0a6b0; --line: #31363f;
    --accent: #f0b429; --mark: #ff8f7d; --code: #23272f;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 76rem;
  background: var(--ground); color: var(--text);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1, h2 { line-height: 1.2; text-wrap: balance; }
h1 { margin: 0 0 .75rem; font-size: clamp(1.6rem, 5vw, 2.4rem); letter-spacing: -.02em; overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: 1.2rem; letter-spacing: -.01em; }
p, ul { margin: 0 0 1rem; }
ul { padding-left: 1.2rem; }
li { margin: .3rem 0; }
header > p, header > ul { max-width: 72ch; }
.kind { margin: 0 0 .4rem; color: var(--accent); font-size: .8rem; font-weight: 650; letter-spacing: .09em; text-transform: uppercase; }
.version { color: var(--soft); font-weight: 450; font-size: .62em; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; letter-spacing: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1px; margin: 1.75rem 0 2rem; background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; }
.tiles div { padding: .85rem 1rem; box-shadow: 0 0 0 1px var(--line); }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: .15rem 0 0; font-size: 1.35rem; font-weight: 620; letter-spacing: -.01em; font-variant-numeric: tabular-nums; white-space: nowrap; }
nav ol { display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; margin: 0 0 1.5rem; padding: 0; list-style: none; font-size: .9rem; }
nav li { margin: 0; }
a { color: inherit; text-decoration-color: var(--accent); text-underline-offset: .2em; }
nav a { color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--text); text-decoration: underline; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
section { padding: 1.6rem 0 .8rem; border-top: 1px solid var(--line); scroll-margin-top: 1rem; }
section > p, section > ul { max-width: 72ch; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .86em; }
code { padding: .1em .3em; border-radius: .25rem; background: var(--code); overflow-wrap: anywhere; }
pre { margin: 0 0 1.2rem; padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--sheet); overflow-x: auto; line-height: 1.5; }
pre code { padding: 0; background: none; overflow-wrap: normal; }
.wide {
  margin: 0 0 1.2rem; overflow-x: auto;
  background:
    linear-gradient(90deg, var(--ground) 30%, transparent) left / 2rem 100% local,
    linear-gradient(270deg, var(--ground) 30%, transparent) right / 2rem 100% local,
    radial-gradient(farthest-side at 0 50%, var(--line), transparent) left / .7rem 100% scroll,
    radial-gradient(farthest-side at 100% 50%, var(--line), transparent) right / .7rem 100% scroll;
  background-repeat: no-repeat;
}
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td:not([align]) { min-width: 5.6rem; }
th:last-child, td:last-child { padding-right: 0; }
th { color: var(--soft); font-weight: 550; font-size: .82rem; white-space: nowrap; }
[align=right] { text-align: right; white-space: nowrap; }
td code { white-space: nowrap; }
.hash { display: inline-block; min-width: 17.5em; white-space: normal; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.5rem 2.5rem; margin: 0 0 1.5rem; }
figure { margin: 0; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.bar { fill: var(--accent); }
.mark { stroke: var(--mark); stroke-width: 1.5; stroke-dasharray: 4 3; fill: none; }
figcaption { margin-top: .4rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 40rem) {
  body { padding: 1.5rem 1.1rem 3rem; }
  th, td { padding-right: .7rem; }
}
@media (min-width: 40.01rem) { table { min-width: min(100%, 34rem); } }
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 11rem minmax(0, 1fr); column-gap: 3rem; padding-top: 3.5rem; }
  header { grid-column: 1 / -1; }
  nav { position: sticky; top: 1.5rem; align-self: start; padding-top: 1.5rem; }
  nav ol { flex-direction: column; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print {
  body { display: block; padding: 0; max-width: none; font-size: 11pt; }
  nav { display: none; }
  section { break-inside: avoid; }
}
`
