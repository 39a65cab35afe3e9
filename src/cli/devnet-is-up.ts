import { readDevnetFile } from "../config/devnet-file.ts";
import { SprfError, isSprfError } from "../errors.ts";

const ANSWER_TIMEOUT_MS = 2_000;

/**
 * Two devnets that write the same file would take each other's users; one that was killed leaves a file that nobody answers for.
 *
 * @throws SprfError `CONFIG_INVALID` when the devnet that the file describes is up
 */
export async function refuseSecondDevnet(file: string, signal: AbortSignal): Promise<void> {
  const url = await chainUrlIn(file);
  if (url === undefined || !(await answers(url, signal))) return;
  throw new SprfError(
    "CONFIG_INVALID",
    `a devnet is up at ${url}, written to ${file}: end it, or choose another file with --file or SPRF_DEVNET_FILE`,
  );
}

async function chainUrlIn(file: string): Promise<string | undefined> {
  try {
    return (await readDevnetFile(file)).networks.chain.rpcUrl;
  } catch (error) {
    if (isSprfError(error, "CONFIG_INVALID")) return undefined;
    throw error;
  }
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    return response.ok;
  } catch {
    return false;
  }
}
