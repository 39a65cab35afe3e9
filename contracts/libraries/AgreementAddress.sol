// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Addresses of a dispatcher's agreements
/// @notice A dispatcher creates nothing but agreements, by CREATE, so the n-th one stands where a contract's n-th
/// creation does: the last 20 bytes of keccak256(rlp([dispatcher, n])), n counting from 1 (EIP-161). So nobody has to
/// store the list, and an agreement proves itself by its number alone.
library AgreementAddress {
    /// @dev RLP: a list of this many bytes and the address, before the number's own bytes are added.
    uint256 private constant LIST_PREFIX = 0xc0 + 22;
    uint8 private constant ADDRESS_PREFIX = 0x80 + 20;
    uint256 private constant STRING_PREFIX = 0x80;
    /// @dev Prefix of the list, the address with its prefix, prefix of the number.
    uint256 private constant HEAD_BYTES = 23;

    /// @notice Where the dispatcher's agreement of this number stands, made or to be made. The number is not zero.
    function compute(address dispatcher, uint32 number) internal pure returns (address) {
        if (number < STRING_PREFIX) {
            return _tail(keccak256(abi.encodePacked(uint8(LIST_PREFIX), ADDRESS_PREFIX, dispatcher, uint8(number))));
        }
        uint256 size = Math.log256(number) + 1;
        bytes memory list = abi.encodePacked(
            uint8(LIST_PREFIX + size),
            ADDRESS_PREFIX,
            dispatcher,
            uint8(STRING_PREFIX + size),
            number << uint32(32 - 8 * size)
        );
        bytes32 hash;
        assembly ("memory-safe") {
            hash := keccak256(add(list, 0x20), add(HEAD_BYTES, size))
        }
        return _tail(hash);
    }

    function _tail(bytes32 hash) private pure returns (address) {
        return address(uint160(uint256(hash)));
    }
}
