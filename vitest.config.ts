import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Those need more than npm brings: npm run test:real.
    exclude: [...configDefaults.exclude, 'tests/real/**'],
    // A zone that is not UTC and has daylight saving: wall-clock bugs show here.
    env: { TZ: 'Pacific/Chatham' },
    // Real processes, signals and sockets on machines that others load too: one more try in CI.
    retry: process.env.CI ? 1 : 0,
    // One for each processor: many wait for other processes, and by itself vitest leaves one idle.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
  },
})
