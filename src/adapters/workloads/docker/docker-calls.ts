import { isSprfError, SprfError } from "../../../errors.ts";
import { raceAbort, withDeadline } from "../../../utils/abort.ts";
import { statusOf, translateDockerError } from "../../engine/docker/docker-errors.ts";

const READ_TIMEOUT_MS = 30_000;
/** Above the time that Docker gives a container to stop. */
const CHANGE_TIMEOUT_MS = 60_000;

/** Waits for an answer of the Docker Engine that changes nothing. */
export async function read<T>(call: Promise<T>, doing: string, signal?: AbortSignal): Promise<T> {
  return await answered(call, doing, READ_TIMEOUT_MS, signal);
}

/**
 * Waits for a change by the Docker Engine, also when the caller would stop: what is made must be there to be removed again.
 *
 * @param fine HTTP statuses that say that it is done already
 */
export async function change<T>(
  call: Promise<T>,
  doing: string,
  { fine = [] }: { readonly fine?: readonly number[] } = {},
): Promise<T | undefined> {
  try {
    return await answered(call, doing, CHANGE_TIMEOUT_MS, undefined);
  } catch (error) {
    const status = statusOf((error as Error).cause);
    if (status !== undefined && fine.includes(status)) return undefined;
    throw error;
  }
}

async function answered<T>(
  call: Promise<T>,
  doing: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await raceAbort(call, withDeadline(signal, timeoutMs));
  } catch (error) {
    if (isSprfError(error, "TIMEOUT") && !signal?.aborted) {
      throw new SprfError("ENGINE_UNAVAILABLE", `${doing}: no answer within ${timeoutMs} ms`, { cause: error });
    }
    throw translateDockerError(error, doing);
  }
}
