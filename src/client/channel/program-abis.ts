import { ChatProgram__factory } from "../../../typechain-types/factories/apps/ChatProgram__factory.ts";
import { DocumentProgram__factory } from "../../../typechain-types/factories/apps/DocumentProgram__factory.ts";
import { LandCraftProgram__factory } from "../../../typechain-types/factories/apps/LandCraftProgram__factory.ts";

/** ABI of contracts/apps/ChatProgram.sol, for `connectChannel`. */
export const chatProgramAbi = ChatProgram__factory.abi;
/** ABI of contracts/apps/DocumentProgram.sol, for `connectChannel`. */
export const documentProgramAbi = DocumentProgram__factory.abi;
/** ABI of contracts/apps/LandCraftProgram.sol, for `connectChannel`. */
export const landCraftProgramAbi = LandCraftProgram__factory.abi;
