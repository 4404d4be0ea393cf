// Tests that go on from where the one before ended: after a failure the rest would only tell of a state that nobody meant.

import { afterEach, beforeEach } from 'vitest';

/** Called in a `describe`: once one of its tests has failed the later ones are skipped, and say why. */
export function oneStory(): void {
  let failed: string | undefined;
  beforeEach(({ skip }) => {
    if (failed !== undefined) skip(`it goes on from “${failed}”, which failed`);
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failed ??= task.name;
  });
}
