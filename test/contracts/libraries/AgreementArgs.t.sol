// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AgreementArgs} from "../../../contracts/libraries/AgreementArgs.sol";
import {AgreementTerms, WorkerSeat} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

contract AgreementArgsTest is SolidityTest {
    /// @dev What goes in comes out, with 0 to 20 workers.
    function testFuzzRoundTrip(AgreementTerms memory terms, uint256 seed, uint8 rawCount) external pure {
        uint256 count = _bound(rawCount, 0, 20);
        terms.workers = new WorkerSeat[](count);
        for (uint256 i = 0; i < count; i++) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            terms.workers[i] = WorkerSeat({
                workerId: uint40(roll),
                twinId: uint32(roll >> 40),
                previous: uint32(roll >> 224),
                operator: address(uint160(roll >> 72)),
                pricePerBlock: uint96(uint256(keccak256(abi.encode(roll))))
            });
        }
        bytes memory args = AgreementArgs.encode(terms);
        _equal(args.length, 55 + 45 * count, "the length");
        AgreementTerms memory decoded = AgreementArgs.decode(args);
        _check(keccak256(abi.encode(decoded)) == keccak256(abi.encode(terms)), "the terms");
    }
}
