import { SprfError } from "../../errors.ts";
import type { WorkloadDraft } from "./file/convert.ts";
import { hashSecrets, type DeploymentSecrets } from "./secrets.ts";
import { hashDeployment, type Workload } from "./workload.ts";

/** What a contract is made for, and what is sent once it is made. */
export interface PreparedDeployment {
  readonly workload: Workload;
  /** Absent when no container uses any. */
  readonly secrets?: DeploymentSecrets | undefined;
  readonly deploymentHash: Uint8Array;
}

/**
 * The workload of a draft, with its salt and the hash of the secrets that it uses.
 *
 * @throws SprfError `INVALID_INPUT` when a secret has no value or one that cannot be a variable's; `DEPLOYMENT_INVALID`
 */
export function prepareDeployment(
  draft: WorkloadDraft,
  parts: {
    /** The account that makes the contract: 20 bytes. */
    readonly creator: Uint8Array;
    /** Values by name; those that no container uses stay here. */
    readonly secretValues: ReadonlyMap<string, string>;
    /** 16 random bytes each. */
    readonly salt: Uint8Array;
    readonly blinding: Uint8Array;
  },
): PreparedDeployment {
  const salt = new Uint8Array(parts.salt);
  const used = new Set(draft.containers.flatMap(({ secrets }) => secrets.map(({ secret }) => secret)));
  if (used.size === 0) return withHash({ ...draft, salt });
  const values: Record<string, string> = {};
  for (const name of used) {
    const value = parts.secretValues.get(name);
    if (value === undefined) throw new SprfError("INVALID_INPUT", `the secret ${name} has no value`);
    values[name] = value;
  }
  const secrets: DeploymentSecrets = {
    version: 1,
    blinding: new Uint8Array(parts.blinding),
    creator: new Uint8Array(parts.creator),
    salt,
    values,
  };
  return { ...withHash({ ...draft, salt, secretsHash: hashSecrets(secrets) }), secrets };
}

function withHash(workload: Workload): PreparedDeployment {
  return { workload, deploymentHash: hashDeployment(workload) };
}
