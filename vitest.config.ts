import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // A zone that is not UTC and has daylight saving: wall-clock bugs show here.
    env: { TZ: 'Pacific/Chatham' },
    // Real processes, signals and sockets on machines that others load too: one more try in CI.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
  },
})
