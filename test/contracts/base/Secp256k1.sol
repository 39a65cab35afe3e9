// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Public keys of small private keys
/// @dev Hardhat signs with a private key, but does not tell the public key that belongs to it.
library Secp256k1 {
    uint256 internal constant GX = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;
    uint256 internal constant GY = 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8;
    uint256 private constant P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;

    /// @dev The public keys of the private keys 1 to `count`: each is the one before and the generator.
    function publicKeys(uint256 count) internal view returns (bytes[] memory keys) {
        keys = new bytes[](count);
        (uint256 x, uint256 y) = (GX, GY);
        for (uint256 i = 0; i < count; i++) {
            keys[i] = abi.encode(x, y);
            (x, y) = i == 0 ? _double(x, y) : _add(x, y);
        }
    }

    function _double(uint256 x, uint256 y) private view returns (uint256, uint256) {
        uint256 slope = mulmod(mulmod(3, mulmod(x, x, P), P), _inverse(addmod(y, y, P)), P);
        return _third(slope, x, y, x);
    }

    /// @dev Adds the generator to another point.
    function _add(uint256 x, uint256 y) private view returns (uint256, uint256) {
        uint256 slope = mulmod(addmod(y, P - GY, P), _inverse(addmod(x, P - GX, P)), P);
        return _third(slope, x, y, GX);
    }

    function _third(uint256 slope, uint256 x, uint256 y, uint256 otherX) private pure returns (uint256 rx, uint256 ry) {
        rx = addmod(mulmod(slope, slope, P), P - addmod(x, otherX, P), P);
        ry = addmod(mulmod(slope, addmod(x, P - rx, P), P), P - y, P);
    }

    /// @dev Fermat, by the precompile for powers (EIP-198).
    function _inverse(uint256 value) private view returns (uint256) {
        (, bytes memory result) = address(5).staticcall(abi.encode(32, 32, 32, value, P - 2, P));
        return abi.decode(result, (uint256));
    }
}
