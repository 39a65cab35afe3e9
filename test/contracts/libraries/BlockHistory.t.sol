// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockHistory} from "../../../contracts/libraries/BlockHistory.sol";
import {SolidityTest} from "../base/Vm.sol";

contract BlockHistoryTest is SolidityTest {
    using BlockHistory for BlockHistory.History;

    uint256 private constant CHANGES = 24;
    uint256 private constant FIRST_BLOCK = 1_000;

    BlockHistory.History private _history;
    mapping(uint256 blockNumber => uint256) private _expected;

    /// @dev Every block of the past shows what was set last at its end, with changes in one block and in many.
    function testFuzzRemembersEveryBlock(uint256 seed) external {
        VM.roll(FIRST_BLOCK);
        uint256 value;
        for (uint256 i = 0; i < CHANGES; i++) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            // Zero is a value, and so is the largest.
            value =
                roll % 5 == 0
                    ? 0
                    : roll % 5 == 1
                        ? type(uint208).max
                        : uint208(roll >> 40);
            _history.set(value);
            _equal(_history.latest(), value, "latest");
            uint256 blocks = (roll >> 8) % 4;
            for (uint256 j = 0; j <= blocks; j++) {
                _expected[block.number + j] = value;
            }
            VM.roll(block.number + blocks);
        }
        _equal(_history.asOf(FIRST_BLOCK - 1), 0, "nothing before");
        for (uint256 at = FIRST_BLOCK; at <= block.number; at++) {
            _equal(_history.asOf(at), _expected[at], "as of a block");
        }
        _equal(_history.asOf(block.number + 1_000), value, "and from now on");
    }
}
