import { EXIT, RerootError } from '../errors.ts';

/** The API server's answer to a request that it did not carry out (a `Status`, or an answer of something before it). */
export class ApiError extends RerootError {
  readonly status: number;
  /** `NotFound`, `Conflict`, `AlreadyExists`, … (apimachinery pkg/apis/meta/v1/types.go); empty when it was no Status. */
  readonly reason: string;
  /** The server's own words, with those of its causes. */
  readonly said: string;
  constructor(request: string, status: number, reason: string, said: string) {
    super(EXIT.failedSafe, `${request}: ${status}${reason ? ` ${reason}` : ''}${said ? `: ${said}` : ''}`, {
      hints: hintsFor(status),
    });
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
    this.said = said;
  }
}

/** No answer came. `maybeDone`: the request had been sent, so a write may have been carried out. */
export class ApiUnreachable extends RerootError {
  readonly maybeDone: boolean;
  readonly code: string;
  constructor(message: string, code: string, maybeDone: boolean, hints: readonly string[], cause: unknown) {
    super(EXIT.failedSafe, message, { hints, cause });
    this.name = 'ApiUnreachable';
    this.code = code;
    this.maybeDone = maybeDone;
  }
}

function hintsFor(status: number): string[] {
  if (status === 401)
    return [
      'the API server does not know this identity: has the certificate in the kubeconfig run out, or was it signed by a CA that was dropped?',
      'use /etc/kubernetes/admin.conf of a control-plane node: --kubeconfig FILE',
    ];
  if (status === 403)
    return [
      'this identity may not do that: reroot needs the rights in docs/access/cluster-role.yaml, or cluster-admin (kubeadm: the group kubeadm:cluster-admins)',
      'see what it may do: kubectl auth can-i --list; choose another with --kubeconfig or --context',
    ];
  return [];
}

/**
 * The precondition of a write did not hold: somebody else wrote in between. 409, or 422 for a JSON Patch whose `test` failed: apiserver
 * pkg/endpoints/handlers/patch.go (applyJSPatch) drops the reason and says this sentence only, where a validation names the fields.
 */
export const isConflict = (thrown: unknown): thrown is ApiError =>
  thrown instanceof ApiError &&
  ((thrown.status === 409 && thrown.reason !== 'AlreadyExists') ||
    (thrown.status === 422 &&
      thrown.said.startsWith('the server rejected our request due to an error in our request')));

export const isNotFound = (thrown: unknown): thrown is ApiError => thrown instanceof ApiError && thrown.status === 404;

export function apiErrorOf(request: string, status: number, body: string): ApiError {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'kind' in parsed && parsed.kind === 'Status') {
      const { reason, message, details } = parsed as {
        reason?: string;
        message?: string;
        details?: { causes?: { message?: string }[] };
      };
      const causes = (details?.causes ?? [])
        .map((cause) => cause.message)
        .filter((text) => text && !message?.includes(text));
      return new ApiError(request, status, reason ?? '', [message, ...causes].filter(Boolean).join('; '));
    }
  } catch {
    // Not a Status: a load balancer's page, say.
  }
  return new ApiError(request, status, '', body.trim().slice(0, 200));
}
