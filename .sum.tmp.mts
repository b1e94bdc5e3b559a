import { readFileSync, readdirSync } from 'node:fs'
import pLimit from 'p-limit'
import { openTrinoEngine } from '/work/main/src/pipeline/engines/trino.ts'
import { trinoSettings } from '/work/main/src/pipeline/engines/trino-settings.ts'
import { findRecipe } from '/work/main/src/commands/recipes.ts'
import { compileFeatures } from '/work/main/src/features.ts'
import { planOf } from '/work/main/src/pipeline/plan.ts'
import { profilePlan } from '/work/main/src/pipeline/profile.ts'
const { url } = JSON.parse(readFileSync('/tmp/tt/info.json','utf8'))
const e = await openTrinoEngine(trinoSettings({ trinoAddress: url, trinoSchema: 'rides' }, {}, console.log))
const plans = ['plain','pairs','standard'].map(n => { const r = findRecipe(n, [], '/work/main'); return planOf(r, compileFeatures(r)) })
plans.push(profilePlan(plans[2]))
const files = readdirSync('/work/shared/tlc').filter(f=>/green/.test(f)&&!/csv/.test(f)).map(f=>'/work/shared/tlc/'+f)
for (const [name, ps] of [['plain',[plans[0]]],['plain again',[plans[0]]],['standard+profile',[plans[2],plans[3]]],['all',plans]] as const) {
  const limit = pLimit(2); const t=Date.now()
  await Promise.all(files.map(f=>limit(()=>e.sum(f,'green',ps)))); console.log(name, files.length,'files', Date.now()-t)
}
await e.close()
