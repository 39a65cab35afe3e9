// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IChannelStore} from "../interfaces/IChannelStore.sol";
import {SettledHead} from "../types/ChannelTypes.sol";

/// @title A channel's settled state
/// @notice See IChannelStore. Its clones are made by StoreClones.
contract ChannelStore is IChannelStore {
    uint256 private constant CHANGE_BYTES = 96;
    uint256 private constant NEW_VALUE_OFFSET = 64;

    address private immutable ORIGINAL = address(this);

    /// @dev The only entrance: all selectors are the program's. Ether is refused.
    // solhint-disable-next-line payable-fallback
    fallback(bytes calldata data) external returns (bytes memory) {
        if (address(this) == ORIGINAL) revert ChannelStore_NotAClone();
        (address hub, address program, uint256 channel) = abi.decode(
            Clones.fetchCloneArgs(address(this)),
            (address, address, uint256)
        );
        if (msg.sender == hub) return _write();
        // The program makes no calls, so that this is the static call of `_read`.
        if (msg.sender == address(this)) return _run(program, data);
        return _read(IChannelHub(hub), channel, data);
    }

    /// @dev No call by the rules of the ABI is as long as a list of changes: it has four bytes more than words.
    function _write() private returns (bytes memory) {
        if (msg.data.length % CHANGE_BYTES != 0) revert ChannelStore_NotChanges(msg.data.length);
        assembly ("memory-safe") {
            for {
                let offset := 0
            } lt(offset, calldatasize()) {
                offset := add(offset, CHANGE_BYTES)
            } {
                sstore(calldataload(offset), calldataload(add(offset, NEW_VALUE_OFFSET)))
            }
        }
        return "";
    }

    function _read(IChannelHub hub, uint256 channel, bytes calldata data) private view returns (bytes memory) {
        SettledHead memory head = hub.headOf(channel);
        if (head.locked) revert ChannelStore_Locked(channel);
        bytes memory context = abi.encodePacked(address(0), head.timeMs, head.height, head.recordHash);
        (bool ok, bytes memory result) = address(this).staticcall(bytes.concat(data, context));
        return _resultOf(ok, result);
    }

    function _run(address program, bytes calldata data) private returns (bytes memory) {
        (bool ok, bytes memory result) = program.delegatecall(data);
        return _resultOf(ok, result);
    }

    function _resultOf(bool ok, bytes memory result) private pure returns (bytes memory) {
        if (ok) return result;
        assembly ("memory-safe") {
            revert(add(result, 0x20), mload(result))
        }
    }
}
