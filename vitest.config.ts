import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Four projects: `fast` runs anywhere in seconds; `lab` (processes) and `full` (kubeadm on namespaces, as root) need a lab, one file at a time and nothing
// beside it. `soak` is what takes longer than a test may: npm run soak:NAME runs one of its files. A lab that comes up in a hook may have to be built first.
const onLabs = { fileParallelism: false, maxWorkers: 1, testTimeout: 15 * 60_000, hookTimeout: 45 * 60_000 };

// Without a process and a module cache for each file they take a third less (168 s for 248). No test leaves anything in the environment. vitest would leave
// one processor idle, which is half of a small machine.
const fast = { isolate: false, maxWorkers: availableParallelism() };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000, ...fast } },
      { test: { name: 'lab', include: ['test/lab/**/*.test.ts'], ...onLabs } },
      { test: { name: 'full', include: ['test/full/**/*.test.ts'], ...onLabs } },
      { test: { name: 'soak', include: ['test/soak/**/*.test.ts'], ...onLabs } },
    ],
  },
});
