// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelProgram} from "../../channels/ChannelProgram.sol";

/// @title Every precompiled contract that a program may call, for tests
contract PrecompileProgram is ChannelProgram {
    function recover(bytes32 hash, uint8 v, bytes32 r, bytes32 s) external view returns (address) {
        return _ecrecover(hash, v, r, s);
    }

    function sha(bytes calldata input) external view returns (bytes32) {
        return _sha256(input);
    }

    function ripemd(bytes calldata input) external view returns (bytes20) {
        return _ripemd160(input);
    }

    function copy(bytes calldata input) external view returns (bytes memory) {
        return _identity(input);
    }

    function modexp(
        bytes calldata base,
        bytes calldata exponent,
        bytes calldata modulus
    ) external view returns (bytes memory) {
        return _modexp(base, exponent, modulus);
    }

    function bnAdd(uint256 ax, uint256 ay, uint256 bx, uint256 by) external view returns (uint256 x, uint256 y) {
        return _bnAdd(ax, ay, bx, by);
    }

    function bnMul(uint256 ax, uint256 ay, uint256 scalar) external view returns (uint256 x, uint256 y) {
        return _bnMul(ax, ay, scalar);
    }

    function bnPairing(bytes calldata pairs) external view returns (bool) {
        return _bnPairing(pairs);
    }

    function blake2f(bytes calldata input) external view returns (bytes32 low, bytes32 high) {
        return _blake2f(input);
    }

    function p256Verify(bytes32 hash, bytes32 r, bytes32 s, bytes32 x, bytes32 y) external view returns (bool) {
        return _p256Verify(hash, r, s, x, y);
    }
}
