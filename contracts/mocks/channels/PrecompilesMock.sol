// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Every precompile that a channel's program may call
contract PrecompilesMock is ContextReader {
    bytes32 public result;

    function hashes(bytes calldata data) external {
        result = sha256(data) ^ bytes32(ripemd160(data));
    }

    function recover(bytes32 hash, uint8 v, bytes32 r, bytes32 s) external {
        result = bytes32(uint256(uint160(ecrecover(hash, v % 2 == 0 ? 27 + (v % 4) / 2 : v, r, s))));
    }

    function identity(bytes calldata data, uint8 length) external {
        bytes memory out = _call(4, data, length);
        result = keccak256(out);
    }

    function power(bytes32 base, bytes32 exponent, bytes32 modulus) external {
        result = bytes32(
            _call(5, abi.encodePacked(uint256(32), uint256(32), uint256(32), base, exponent, modulus), 32)
        );
    }

    function powerOf(bytes calldata data) external {
        result = keccak256(_call(5, data, 64));
    }

    /// A point's multiples and their sum, which must be on the curve again.
    function curve(uint8 a, uint8 b) external {
        bytes memory first = _call(7, abi.encode(uint256(1), uint256(2), uint256(a)), 64);
        bytes memory second = _call(7, abi.encode(uint256(1), uint256(2), uint256(b)), 64);
        result = keccak256(_call(6, bytes.concat(first, second), 64));
    }

    function badCurve(bytes calldata data, bool twice) external {
        result = keccak256(_call(twice ? 6 : 7, data, 64));
    }

    function pairing(bytes calldata data) external {
        result = bytes32(_call(8, data, 32));
    }

    function blake(uint8 rounds, bytes32 h, bool last) external {
        bytes memory data = abi.encodePacked(uint32(rounds), h, h, h, h, h, h, uint128(0), last);
        result = keccak256(_call(9, data, 64));
    }

    function p256(bytes32 hash, bytes32 r, bytes32 s, bytes32 x, bytes32 y) external {
        result = keccak256(_call(0x100, abi.encode(hash, r, s, x, y), 32));
    }

    /// A precompile that fails takes the gas that it was given.
    function _call(uint256 which, bytes memory data, uint256 length) private view returns (bytes memory out) {
        out = new bytes(length);
        assembly ("memory-safe") {
            let ok := staticcall(gas(), which, add(data, 0x20), mload(data), add(out, 0x20), length)
            if iszero(ok) {
                mstore(add(out, 0x20), returndatasize())
            }
        }
    }
}
