import { defineConfig } from 'vitest/config';

// Two projects: `fast` runs anywhere in seconds; `lab` needs a lab and runs one file at a time, nothing beside it.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 15 * 60_000,
          hookTimeout: 20 * 60_000,
        },
      },
    ],
  },
});
