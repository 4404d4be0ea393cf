import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { demandWord } from '../../../src/cli/ask.ts';

function asking() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  return { input, asked: demandWord('retire', 'Type "retire": ', { input, output, terminal: true }) };
}

it('takes the word', async () => {
  const { input, asked } = asking();
  input.write(' retire \r');

  await asked;
});

it.each<[string, (input: PassThrough) => void]>([
  ['another answer', (input) => input.write('yes\r')],
  ['no answer', (input) => input.write('\r')],
  ['Ctrl-C', (input) => input.write('\u0003')],
  ['Ctrl-C in the middle of the word', (input) => input.write('reti\u0003')],
  ['Ctrl-D', (input) => input.write('\u0004')],
  ['an input that ends', (input) => input.end()],
])('%s changes nothing and says so', async (_, answer) => {
  const { input, asked } = asking();
  answer(input);

  await expect(asked).rejects.toMatchObject({ exitCode: 130, message: 'nothing was changed' });
});

it('is given up by a signal', async () => {
  const stop = new AbortController();
  const asked = demandWord('restore', '? ', {
    input: new PassThrough(),
    output: new PassThrough(),
    signal: stop.signal,
  });
  stop.abort();

  await expect(asked).rejects.toMatchObject({ exitCode: 130, message: 'nothing was changed' });
});
