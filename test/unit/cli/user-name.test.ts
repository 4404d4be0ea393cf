import { userInfo } from 'node:os';
import { expect, it } from 'vitest';
import { userName } from '../../../src/cli/user-name.ts';

it('is the name in the passwd file, and the uid where that has none', () => {
  const nobody = (): never => {
    throw new Error('uv_os_get_passwd returned ENOENT');
  };

  expect(userName()).toBe(userInfo().username);
  expect(userName(nobody)).toBe(`uid ${process.getuid?.()}`);
});
