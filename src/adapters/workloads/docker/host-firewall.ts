import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { messageOf, SprfError } from "../../../errors.ts";
import { withDeadline } from "../../../utils/abort.ts";
import { BRIDGE_PREFIX } from "./labels.ts";

const TIMEOUT_MS = 20_000;
/** Local networks, the node's own and its provider's, where machines trust whoever asks from inside. */
const PRIVATE_NETWORKS = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"];

const run = promisify(execFile);

/**
 * Keeps deployments from what listens on the node itself and on its local networks, which Docker does not: by default every
 * service on the node answers at the gateway of every network. Docker alone already keeps deployments from each other.
 * Connections that come in through published ports go on.
 *
 * @throws SprfError `ENGINE_UNAVAILABLE`
 */
export async function ensureFirewall(signal?: AbortSignal): Promise<void> {
  const from = ["-i", `${BRIDGE_PREFIX}+`];
  const begun = ["-m", "conntrack", "--ctstate", "NEW", "-j", "DROP"];
  const rules = [
    ["INPUT", ...from, ...begun],
    // What goes from one deployment to another is for Docker's own chains, and within one it must go through.
    ...PRIVATE_NETWORKS.map((network) => [
      "DOCKER-USER",
      ...from,
      "!",
      "-o",
      `${BRIDGE_PREFIX}+`,
      "-d",
      network,
      ...begun,
    ]),
  ];
  for (const rule of rules) {
    try {
      await iptables(["-C", ...rule], signal);
    } catch {
      await iptables(["-I", ...rule], signal).catch((error: unknown) => {
        throw new SprfError(
          "ENGINE_UNAVAILABLE",
          `deployments cannot be kept from the node's services: ${messageOf(error)}`,
          {
            cause: error,
          },
        );
      });
    }
  }
}

async function iptables(args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  // Waits for others that change rules, as Docker does.
  await run("iptables", ["-w", "5", ...args], { signal: withDeadline(signal, TIMEOUT_MS) });
}
