// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelScratch} from "../interfaces/IChannelScratch.sol";
import {SlotValue} from "../types/ChannelCourtTypes.sol";
import {ScratchRun} from "../types/ChannelReplayTypes.sol";

/// @title A piece of a channel's state, on which a program is run, see {IChannelScratch}
contract ChannelScratch is IChannelScratch {
    /// @dev Between the costs of a slot that was touched (100) and of one that was not (2,100).
    uint256 private constant WARM_GAS = 1_000;
    /// @dev What `_measure` measures besides the program's gas. A test compares runs with the sandbox's to the unit.
    uint256 private constant CALL_OVERHEAD = 132;
    /// @dev More than what stands between the check of the gas and the call.
    uint256 private constant CALL_MARGIN = 1_000;
    uint256 private constant PARTS = 64;

    address private immutable OWNER = msg.sender;

    modifier onlyOwner() {
        if (msg.sender != OWNER) revert ChannelScratch_NotOwner(OWNER, msg.sender);
        _;
    }

    /// @inheritdoc IChannelScratch
    function load(SlotValue[] calldata slots) external onlyOwner {
        for (uint256 i = 0; i < slots.length; i++) {
            (bytes32 slot, bytes32 value) = (slots[i].slot, slots[i].value);
            if (value == 0) continue;
            assembly ("memory-safe") {
                sstore(slot, value)
            }
        }
    }

    /// @inheritdoc IChannelScratch
    function requireCold(bytes32[] calldata slots) external view onlyOwner {
        for (uint256 i = 0; i < slots.length; i++) {
            (, bool isWarm) = _look(slots[i]);
            if (isWarm) revert ChannelScratch_Warm(slots[i]);
        }
        revert ChannelScratch_Cold();
    }

    /// @inheritdoc IChannelScratch
    function run(address program, uint256 gasLimit, bytes calldata data, bytes32[] calldata slots) external onlyOwner {
        ScratchRun memory result;
        (result.succeeded, result.gasUsed) = _measure(program, gasLimit, data);
        result.returnHash = _returnHash();
        if (result.succeeded) {
            (result.values, result.touched) = (new bytes32[](slots.length), new bool[](slots.length));
            for (uint256 i = 0; i < slots.length; i++) {
                (result.values[i], result.touched[i]) = _look(slots[i]);
            }
        }
        revert ChannelScratch_Ran(result);
    }

    /// @dev A delegatecall with exactly so much gas, and what it used.
    function _measure(address program, uint256 gasLimit, bytes memory data) private returns (bool ok, uint256 used) {
        // A call gets at most 63 of 64 parts of what is left, whatever it asks for. The program is warm afterwards.
        uint256 left = program.code.length == 0 ? 0 : gasleft();
        if (left < CALL_MARGIN || (left - CALL_MARGIN) - (left - CALL_MARGIN) / PARTS < gasLimit) {
            revert ChannelScratch_TooLittleGas(gasLimit, left);
        }
        assembly ("memory-safe") {
            let start := gas()
            ok := delegatecall(gasLimit, program, add(data, 0x20), mload(data), 0, 0)
            used := sub(start, gas())
        }
        used -= CALL_OVERHEAD;
    }

    function _returnHash() private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            returndatacopy(data, 0, returndatasize())
            hash := keccak256(data, returndatasize())
        }
    }

    /// @dev What a slot holds, and whether it had been touched before this.
    function _look(bytes32 slot) private view returns (bytes32 value, bool isWarm) {
        uint256 used;
        assembly ("memory-safe") {
            let start := gas()
            value := sload(slot)
            used := sub(start, gas())
        }
        isWarm = used < WARM_GAS;
    }
}
