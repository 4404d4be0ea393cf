// A process's argument list as flags. Kubernetes components use pflag, etcd uses Go's own flag package: both take
// `--name=value` and `--name value`, and a flag without a value is a boolean that is true.

export interface CommandLine {
  /** Basename of argv[0]: `/usr/local/bin/kube-apiserver` gives `kube-apiserver`. */
  name: string;
  /** Without dashes, each with its values in order of appearance: a repeated flag is a list, and for a scalar the last one wins. */
  flags: Record<string, string[]>;
  /** Arguments that are no flag and no flag's value: a subcommand. */
  rest: string[];
}

/** Reads an argument list. Nothing after a lone `--` is a flag. A word after a flag without `=` is taken as its value unless it starts with a dash. */
export function parseArgv(argv: readonly string[]): CommandLine {
  const [program = '', ...words] = argv;
  const flags: Record<string, string[]> = {};
  const rest: string[] = [];
  const set = (name: string, value: string): void => {
    flags[name] ??= [];
    flags[name].push(value);
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--') {
      rest.push(...words.slice(i + 1));
      break;
    }
    const match = /^--?([A-Za-z0-9][\w.-]*)(?:=(.*))?$/s.exec(word);
    if (!match) {
      rest.push(word);
      continue;
    }
    const [, name = '', value] = match;
    const next = words[i + 1];
    if (value !== undefined) set(name, value);
    else if (next !== undefined && !next.startsWith('-')) {
      set(name, next);
      i++;
    } else set(name, 'true');
  }
  return { name: program.slice(program.lastIndexOf('/') + 1), flags, rest };
}

/** The value that counts for a flag that takes one: the last one given. */
export const flag = (flags: Readonly<Record<string, readonly string[]>>, name: string): string | undefined =>
  flags[name]?.at(-1);

/** Whether some argument names a file at or below one of the folders: how a node's own processes are told apart on a shared machine. */
export function namesPathBelow(argv: readonly string[], folders: readonly string[]): boolean {
  return argv.some((word) =>
    folders.some((folder) => {
      const at = word.indexOf(folder);
      if (at < 0) return false;
      const after = word[at + folder.length];
      return folder.endsWith('/') || after === undefined || after === '/' || after === ',' || after === ':';
    }),
  );
}
