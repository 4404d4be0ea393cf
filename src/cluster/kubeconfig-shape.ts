import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { reasonOf, wrongUse } from '../errors.ts';

const name = z.string().min(1);
const data = z.string().optional();
// Loose: a kubeconfig may hold fields that are newer than reroot.
const clusterSchema = z.looseObject({
  server: data,
  'certificate-authority': data,
  'certificate-authority-data': data,
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': data,
  'proxy-url': data,
});
const userSchema = z.looseObject({
  'client-certificate': data,
  'client-certificate-data': data,
  'client-key': data,
  'client-key-data': data,
  token: data,
  tokenFile: data,
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
  username: data,
  as: data,
});
const contextSchema = z.looseObject({ cluster: name, user: z.string().default('') });
const listOf = <T extends z.ZodType>(entry: T) =>
  z
    .array(entry)
    .nullish()
    .transform((entries) => entries ?? []);
const fileSchema = z.looseObject({
  'current-context': data.nullish(),
  clusters: listOf(z.looseObject({ name, cluster: clusterSchema.nullish() })),
  users: listOf(z.looseObject({ name, user: userSchema.nullish() })),
  contexts: listOf(z.looseObject({ name, context: contextSchema.nullish() })),
});

export type ClusterFields = z.infer<typeof clusterSchema>;
export type UserFields = z.infer<typeof userSchema>;
export type ContextFields = z.infer<typeof contextSchema>;
export type KubeconfigShape = z.infer<typeof fileSchema>;

/** One file as it is, its shape checked. Throws wrongUse. */
export function parseFile(file: string): KubeconfigShape {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw wrongUse(`cannot read the kubeconfig ${file}: ${reasonOf(thrown)}`, 'name another with --kubeconfig');
  }
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (thrown) {
    throw wrongUse(
      `the kubeconfig ${file} is not YAML: ${reasonOf(thrown).split('\n')[0]}`,
      'mend the file, or name another with --kubeconfig',
    );
  }
  const parsed = fileSchema.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw wrongUse(
    `the kubeconfig ${file} is broken: ${issue?.path.map(String).join('.')}: ${issue?.message}`,
    'mend the file, or name another with --kubeconfig',
  );
}
