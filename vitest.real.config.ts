import { defineConfig, mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

// Tests against real servers and programs that npm does not bring; see tests/real/parts.ts.
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  defineConfig({
    test: {
      include: ['tests/real/**/*.test.ts'],
      // They wait for servers most of the time: more of them at once than there are cores.
      maxWorkers: 3,
      testTimeout: 300_000,
      // A server of Python's may take minutes to start beside all the other lanes.
      hookTimeout: 600_000,
    },
  }),
)
