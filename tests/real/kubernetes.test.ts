/** The Kubernetes manifests: put together by kustomize, checked against the schemas of Kubernetes. */

import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { root } from '../command-line.ts'
import { kustomizePath, python } from './parts.ts'

const overlays = join(root, 'deploy/kubernetes/overlays')

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> }
  // biome-ignore lint/suspicious/noExplicitAny: the schemas of Kubernetes say what it is
  readonly spec: any
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-kubernetes-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function build(path: string): { text: string; manifests: Manifest[] } {
  const text = execFileSync(kustomizePath(), ['build', path], { encoding: 'utf8' })
  return { text, manifests: parseAllDocuments(text).map((one) => one.toJS() as Manifest) }
}

/** What is wrong with manifests, by the schemas of some versions of Kubernetes. */
function faultsOf(text: string): string[] {
  const file = join(folder, 'manifests.yaml')
  writeFileSync(file, text)
  return python(
    `
import json, sys
import kubernetes_validate, yaml
faults = []
for manifest in yaml.safe_load_all(open(sys.argv[1])):
    for version in sys.argv[2:]:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            faults.append(f"{version} {manifest['kind']}: {error.message}")
print(json.dumps(faults))`,
    // The oldest and the newest that the manifests are meant for.
    [file, '1.30', '1.37'],
  ) as string[]
}

const one = (manifests: readonly Manifest[], kind: string): Manifest => {
  const [found, ...more] = manifests.filter((manifest) => manifest.kind === kind)
  if (!found || more.length > 0) throw new Error(`${kind} is not there once`)
  return found
}

/** Whether a selector takes these labels. */
const takes = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value)

describe.each(['blue', 'green'])('overlay %s', (slot) => {
  const { text, manifests } = build(join(overlays, slot))
  const other = build(join(overlays, slot === 'blue' ? 'green' : 'blue')).manifests

  test('is valid by the schemas of Kubernetes, unknown fields included', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(
      [
        ...['ConfigMap', 'CronJob', 'Deployment', 'HorizontalPodAutoscaler', 'NetworkPolicy'],
        ...['PersistentVolumeClaim', 'PersistentVolumeClaim', 'PersistentVolumeClaim'],
        ...['PodDisruptionBudget', 'Service'],
      ].sort(),
    )
    expect(faultsOf(text)).toEqual([])
  })

  test('its address leads to its own servers and not to those of the other slot', () => {
    const { selector } = one(manifests, 'Service').spec
    const podLabels = (some: readonly Manifest[]) =>
      one(some, 'Deployment').spec.template.metadata.labels
    expect(takes(selector, podLabels(manifests))).toBe(true)
    expect(takes(selector, podLabels(other))).toBe(false)
    expect(one(manifests, 'Service').metadata.name).toBe(one(other, 'Service').metadata.name)
  })

  test('what belongs to a slot is named after it, refers to it and selects only it', () => {
    const deployment = one(manifests, 'Deployment')
    const pod = deployment.spec.template
    expect(deployment.metadata.name).toBe(`ridecast-${slot}`)
    expect(one(manifests, 'HorizontalPodAutoscaler').spec.scaleTargetRef.name).toBe(
      deployment.metadata.name,
    )
    const [container] = pod.spec.containers
    expect(container.envFrom[0].configMapRef.name).toBe(one(manifests, 'ConfigMap').metadata.name)
    const strangers = one(other, 'Deployment').spec.template.metadata.labels
    for (const selector of [
      deployment.spec.selector.matchLabels,
      one(manifests, 'PodDisruptionBudget').spec.selector.matchLabels,
    ]) {
      expect(takes(selector, pod.metadata.labels)).toBe(true)
      expect(takes(selector, strangers)).toBe(false)
    }
  })

  test('servers can be applied before the address: a label picks them', () => {
    const servers = manifests.filter(
      ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'server',
    )
    expect(servers.map(({ kind }) => kind).sort()).toEqual(
      ['ConfigMap', 'Deployment', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'].sort(),
    )
    // Nothing of the one slot is overwritten by the other.
    const names = (some: readonly Manifest[]) => some.map((m) => `${m.kind} ${m.metadata.name}`)
    expect(names(other).filter((name) => names(servers).includes(name))).toEqual([])
  })

  test('every claim that a pod mounts is there, and the policy takes the servers', () => {
    const claims = manifests.filter(({ kind }) => kind === 'PersistentVolumeClaim')
    const pods = [
      one(manifests, 'Deployment').spec.template,
      one(manifests, 'CronJob').spec.jobTemplate.spec.template,
    ]
    const wanted = pods.flatMap(({ spec }) =>
      spec.volumes.flatMap((v: { persistentVolumeClaim?: { claimName: string } }) => {
        return v.persistentVolumeClaim?.claimName ?? []
      }),
    )
    expect([...new Set(wanted)].sort()).toEqual(claims.map(({ metadata }) => metadata.name).sort())
    const { matchLabels } = one(manifests, 'NetworkPolicy').spec.podSelector
    expect(pods.map(({ metadata }) => takes(matchLabels, metadata.labels))).toEqual([true, false])
  })
})

test('a field that Kubernetes does not know is a fault, so that the check can fail', () => {
  const { text } = build(join(overlays, 'blue'))
  expect(faultsOf(text.replace('minReplicas: 2', 'minReplica: 2')).join()).toContain('minReplica')
  expect(faultsOf(text.replace('minReplicas: 2', 'minReplicas: two')).length).toBeGreaterThan(0)
})

test('an overlay that names what is not there does not build, so that building can fail', () => {
  const copy = join(folder, 'copy')
  cpSync(join(root, 'deploy/kubernetes'), copy, { recursive: true })
  rmSync(join(copy, 'base/server/scaling.yaml'))
  expect(() =>
    execFileSync(kustomizePath(), ['build', join(copy, 'overlays/blue')], { stdio: 'pipe' }),
  ).toThrow(/scaling\.yaml/)
})
