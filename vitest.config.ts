import { defineConfig } from 'vitest/config';

// Four projects: `fast` runs anywhere in seconds; `lab` (processes) and `full` (kubeadm on namespaces, as root) need a lab, one file at a time and nothing
// beside it. `soak` is what takes longer than a test may: npm run soak:NAME runs one of its files. A lab that comes up in a hook may have to be built first.
const onLabs = { fileParallelism: false, maxWorkers: 1, testTimeout: 15 * 60_000, hookTimeout: 45 * 60_000 };

export default defineConfig({
  test: {
    projects: [
      // Without a process and a module cache for each file they take a third less (168 s for 248). No test leaves anything in the environment.
      { test: { name: 'fast', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000, isolate: false } },
      { test: { name: 'lab', include: ['test/lab/**/*.test.ts'], ...onLabs } },
      { test: { name: 'full', include: ['test/full/**/*.test.ts'], ...onLabs } },
      { test: { name: 'soak', include: ['test/soak/**/*.test.ts'], ...onLabs } },
    ],
  },
});
