// The leaf files are imported because the generated barrels name their modules `.js`, which type stripping cannot resolve.
export { Chat__factory } from "../../../typechain-types/factories/apps/Chat__factory.ts";
export { DocumentEditor__factory } from "../../../typechain-types/factories/apps/DocumentEditor__factory.ts";
export { IChannelCourt__factory } from "../../../typechain-types/factories/interfaces/IChannelCourt__factory.ts";
export { IChannelReplay__factory } from "../../../typechain-types/factories/interfaces/IChannelReplay__factory.ts";
export { IChannelHub__factory } from "../../../typechain-types/factories/interfaces/IChannelHub__factory.ts";
export { IChannelVault__factory } from "../../../typechain-types/factories/interfaces/IChannelVault__factory.ts";
export { IDisputes__factory } from "../../../typechain-types/factories/interfaces/IDisputes__factory.ts";
export { IGridContracts__factory } from "../../../typechain-types/factories/interfaces/IGridContracts__factory.ts";
export { IGridQuotes__factory } from "../../../typechain-types/factories/interfaces/IGridQuotes__factory.ts";
export { IGridRegistry__factory } from "../../../typechain-types/factories/interfaces/IGridRegistry__factory.ts";
export { IPriceBook__factory } from "../../../typechain-types/factories/interfaces/IPriceBook__factory.ts";
export { IStakingPool__factory } from "../../../typechain-types/factories/interfaces/IStakingPool__factory.ts";
export { ITesterRegistry__factory } from "../../../typechain-types/factories/interfaces/ITesterRegistry__factory.ts";
export { ITwins__factory } from "../../../typechain-types/factories/interfaces/ITwins__factory.ts";
export { IWorkAgreement__factory } from "../../../typechain-types/factories/interfaces/IWorkAgreement__factory.ts";
export { IWorkerDispatcher__factory } from "../../../typechain-types/factories/interfaces/IWorkerDispatcher__factory.ts";
export { IWorkerRecords__factory } from "../../../typechain-types/factories/interfaces/IWorkerRecords__factory.ts";
