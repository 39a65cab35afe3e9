import type { NodeFacts } from "../domain/grid/decide-deploy.ts";
import type { Chain } from "../ports/chain.ts";
import type { Cipher } from "../ports/cipher.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { GridContracts } from "../ports/grid-contracts.ts";
import type { Logger } from "../ports/logger.ts";
import type { Workloads } from "../ports/workloads.ts";
import type { DeploymentStore } from "./deployment-store.ts";
import type { KeyedTurns } from "./keyed-turns.ts";
import type { ContractReader } from "./read-contracts.ts";

/** What the parts of a node share. */
export interface NodeParts {
  readonly node: NodeFacts;
  readonly chain: Pick<Chain, "twin">;
  readonly contracts: GridContracts;
  readonly reader: ContractReader;
  readonly workloads: Workloads;
  readonly content: Pick<ContentStore, "get">;
  readonly cipher: Cipher;
  readonly deployments: DeploymentStore;
  /** By contract. */
  readonly turns: KeyedTurns;
  /** Where this node takes connections. */
  readonly multiaddrs: () => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}
