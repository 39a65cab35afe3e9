import { Contract, type ContractRunner } from "ethers";

import type { IWorkAgreement } from "./contract-types.ts";
import { IWorkAgreement__factory } from "./factories.ts";

/** Parsed once: doing it for every read costs a daemon more than the reads themselves. */
export const AGREEMENT_INTERFACE = IWorkAgreement__factory.createInterface();

/** The agreement at an address, as contracts/interfaces/IWorkAgreement.sol has it. */
export function agreementContract(address: string, runner: ContractRunner): IWorkAgreement {
  return new Contract(address, AGREEMENT_INTERFACE, runner) as unknown as IWorkAgreement;
}
