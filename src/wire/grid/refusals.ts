/** Every reason for which a node refuses, and what the user does about it. A closed list: a reader knows each of them. */
export const GRID_REFUSALS = {
  "contract-unknown": "Wait until the contract's transaction is in a block that the node sees, then send it again.",
  "other-node": "Send it to the node that the contract names.",
  "not-the-creator": "Only who created the contract may ask; use that account's keys.",
  "contract-over": "Create a new contract: this one was cancelled, ran out of funds or expired.",
  "contract-in-grace": "Top up the balance: nothing is served until then.",
  "hash-mismatch": "Send the workload whose hash the contract has, or update the contract first.",
  "limits-mismatch": "Create the contract with the limits that the workload has.",
  "public-ips-mismatch": "Create the contract with as many public IPs as the workload has.",
  "workload-invalid": "Correct the workload as the detail says.",
  "body-unavailable": "Keep the peer up that holds the encrypted block until the node has it.",
  "body-invalid": "Seal the block anew for this node; what it got could not be opened.",
  "secrets-invalid": "Seal the secrets of this workload to this node's message key.",
  "not-enough-resources": "Choose smaller limits, or another node.",
  "port-taken": "Publish another port, or on a public IP.",
  "address-unavailable": "Publish on a public IP that the contract has reserved, or on loopback.",
  "disk-unavailable": "The node has no disk of that kind; use the other kind, or another node.",
  "image-not-found": "Check the image's name and digest, and that its registry is reachable from the node.",
  "start-failed": "Read the detail and the logs, and correct the image or its command.",
  unhealthy: "Read the logs: the container did not become healthy in time. What ran before runs on.",
  "not-deployed": "Deploy it first.",
  "container-unknown": "Name a container of the deployment.",
  "stream-unknown": "Ask for the logs again: the node no longer has this stream.",
  busy: "Try again in a moment: the node is at work on this deployment, or on too many.",
  "node-failed": "Try again; if it persists, choose another node. The node's operator sees the reason in its log.",
} as const;

/** A code of {@link GRID_REFUSALS}. */
export type GridRefusal = keyof typeof GRID_REFUSALS;

/** All of them, for schemas. */
export const GRID_REFUSAL_CODES = Object.keys(GRID_REFUSALS) as [GridRefusal, ...GridRefusal[]];
