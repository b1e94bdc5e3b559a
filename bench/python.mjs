// The Python of the peers: one that is named, the bench's own virtual environment, or none.

import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const own = join(import.meta.dirname, '.venv')
const requirements = join(import.meta.dirname, 'peers', 'requirements.txt')

const probe = `
import importlib.metadata as meta, json, platform
names = ['pandas', 'pyarrow', 'scikit-learn', 'scipy', 'numpy', 'lightgbm']
print(json.dumps({'python': platform.python_version(), **{name: meta.version(name) for name in names}}))
`

/** Makes the bench's own environment, unless it is there. */
export function setUpPython() {
  const python = join(own, 'bin', 'python')
  if (!existsSync(python)) execFileSync('python3', ['-m', 'venv', own], { stdio: 'inherit' })
  writeFileSync(join(own, '.gitignore'), '*\n')
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements], {
    stdio: 'inherit',
  })
}

/**
 * @param named a path, or undefined for the bench's own environment, then `python3`
 * @returns `{ path, versions }`, or `{ missing }` with the reason
 */
export function findPython(named) {
  const path = named ?? (existsSync(own) ? join(own, 'bin', 'python') : 'python3')
  try {
    const text = execFileSync(path, ['-c', probe], { encoding: 'utf8', stdio: 'pipe' })
    return { path, versions: JSON.parse(text) }
  } catch {
    return {
      missing: `no python with pandas, pyarrow, scikit-learn, scipy and lightgbm: --python <path> or --setup-python`,
    }
  }
}
