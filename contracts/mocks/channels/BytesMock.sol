// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Calldata, memory and code copied in pieces
contract BytesMock is ContextReader {
    bytes32 public digest;
    uint256 private immutable _SEED = 0xfeed;

    function slice(bytes calldata data, uint8 from, uint8 to) external returns (bytes memory) {
        digest = keccak256(data[from:to]);
        return data[from:to];
    }

    function join(bytes calldata a, string calldata b, bytes7 c) external returns (bytes memory joined) {
        joined = bytes.concat(a, bytes(b), c, bytes32(_SEED));
        digest = keccak256(joined);
    }

    function shift(bytes calldata data, uint8 by) external returns (bytes memory copy) {
        copy = data;
        assembly ("memory-safe") {
            let to := mload(0x40)
            mcopy(to, add(copy, by), mload(copy))
            calldatacopy(add(to, by), by, mload(copy))
            codecopy(add(to, 0x40), by, 0x20)
            mstore8(to, by)
            mstore(to, xor(mload(to), byte(3, mload(add(to, 0x20)))))
            sstore(digest.slot, keccak256(to, add(mload(copy), 0x40)))
        }
    }

    function load(uint16 offset) external {
        bytes32 word;
        assembly ("memory-safe") {
            word := xor(calldataload(offset), calldatasize())
        }
        digest = word;
    }

    function encode(uint256 a, address b, bytes calldata c, int64[] calldata d) external {
        digest = keccak256(
            abi.encode(a, b, c, d, abi.encodePacked(a, b, c, d), _sender(), _timeMs(), _height(), _randomness())
        );
    }

    function countBits(uint256 value) external returns (uint256 bits) {
        assembly ("memory-safe") {
            bits := sub(256, clz(value))
        }
        digest = bytes32(bits);
    }
}
