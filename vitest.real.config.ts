import { defineConfig, mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

// Tests against real servers and programs that npm does not bring; see tests/real/parts.ts.
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ['tests/real/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
  }),
)
