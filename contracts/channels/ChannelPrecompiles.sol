// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelProgram} from "../interfaces/IChannelProgram.sol";

/// @title Precompiled contracts for programs
/// @notice The only calls that a program makes: each is PUSH address, GAS, STATICCALL, with nothing between, and this is what
/// OpcodeScan lets through. Solidity's own `sha256` and `ecrecover` may compile to something else.
abstract contract ChannelPrecompiles {
    /// @dev Zero when the signature is nobody's.
    function _ecrecover(bytes32 hash, uint8 v, bytes32 r, bytes32 s) internal view returns (address signer) {
        bytes memory input = abi.encode(hash, v, r, s);
        bool ok;
        assembly ("memory-safe") {
            mstore(0x00, 0)
            ok := staticcall(gas(), 1, add(input, 0x20), mload(input), 0x00, 0x20)
            signer := mload(0x00)
        }
        _require(ok, 1);
    }

    function _sha256(bytes memory input) internal view returns (bytes32 hash) {
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 2, add(input, 0x20), mload(input), 0x00, 0x20)
            hash := mload(0x00)
        }
        _require(ok, 2);
    }

    function _ripemd160(bytes memory input) internal view returns (bytes20 hash) {
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 3, add(input, 0x20), mload(input), 0x00, 0x20)
            hash := shl(96, mload(0x00))
        }
        _require(ok, 3);
    }

    /// @dev A copy.
    function _identity(bytes memory input) internal view returns (bytes memory output) {
        output = new bytes(input.length);
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 4, add(input, 0x20), mload(input), add(output, 0x20), mload(output))
        }
        _require(ok, 4);
    }

    /// @dev base ** exponent % modulus, as long as the modulus.
    function _modexp(
        bytes memory base,
        bytes memory exponent,
        bytes memory modulus
    ) internal view returns (bytes memory output) {
        bytes memory input = abi.encodePacked(base.length, exponent.length, modulus.length, base, exponent, modulus);
        output = new bytes(modulus.length);
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 5, add(input, 0x20), mload(input), add(output, 0x20), mload(output))
        }
        _require(ok, 5);
    }

    function _bnAdd(uint256 ax, uint256 ay, uint256 bx, uint256 by) internal view returns (uint256 x, uint256 y) {
        bytes memory input = abi.encode(ax, ay, bx, by);
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 6, add(input, 0x20), mload(input), 0x00, 0x40)
            x := mload(0x00)
            y := mload(0x20)
        }
        _require(ok, 6);
    }

    function _bnMul(uint256 ax, uint256 ay, uint256 scalar) internal view returns (uint256 x, uint256 y) {
        bytes memory input = abi.encode(ax, ay, scalar);
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 7, add(input, 0x20), mload(input), 0x00, 0x40)
            x := mload(0x00)
            y := mload(0x20)
        }
        _require(ok, 7);
    }

    /// @param pairs 192 bytes each, see EIP-197.
    function _bnPairing(bytes memory pairs) internal view returns (bool isOne) {
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 8, add(pairs, 0x20), mload(pairs), 0x00, 0x20)
            isOne := mload(0x00)
        }
        _require(ok, 8);
    }

    /// @param input 213 bytes, see EIP-152.
    function _blake2f(bytes memory input) internal view returns (bytes32 first, bytes32 second) {
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 9, add(input, 0x20), mload(input), 0x00, 0x40)
            first := mload(0x00)
            second := mload(0x20)
        }
        _require(ok, 9);
    }

    /// @dev True when (r, s) is a signature of the hash by the key (x, y) of secp256r1, see EIP-7951.
    function _p256Verify(
        bytes32 hash,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) internal view returns (bool isValid) {
        bytes memory input = abi.encode(hash, r, s, x, y);
        bool ok;
        assembly ("memory-safe") {
            mstore(0x00, 0)
            ok := staticcall(gas(), 0x0100, add(input, 0x20), mload(input), 0x00, 0x20)
            isValid := mload(0x00)
        }
        _require(ok, 0x0100);
    }

    function _require(bool ok, uint256 precompile) private pure {
        if (!ok) revert IChannelProgram.ChannelProgram_PrecompileFailed(precompile);
    }
}
