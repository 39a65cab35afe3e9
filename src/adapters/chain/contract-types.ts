export type { IWorkAgreement } from "../../../typechain-types/interfaces/IWorkAgreement.ts";
export type {
  IWorkerDispatcher,
  PurchaseRequestStruct,
  WorkerTermsStruct,
  WorkerViewStructOutput,
} from "../../../typechain-types/interfaces/IWorkerDispatcher.ts";
