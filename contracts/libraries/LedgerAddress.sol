// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A ledger key as Stellar writes it, `G...` (SEP-23)
/// @notice Base32 of a version byte, the key and a CRC16-XMODEM of both, low byte first: 35 bytes in 56 letters.
library LedgerAddress {
    bytes1 private constant ACCOUNT_VERSION = 0x30;
    bytes32 private constant ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint256 private constant LETTERS = 56;
    uint256 private constant LETTER_BITS = 5;
    uint256 private constant LETTER_MASK = 0x1f;
    /// @dev Letters that the first 32 bytes and 3 bits of the key's last one give.
    uint256 private constant HEAD_LETTERS = 51;

    function encode(bytes32 key) internal pure returns (bytes memory text) {
        uint256 checksum = _checksum(abi.encodePacked(ACCOUNT_VERSION, key));
        uint256 swapped = ((checksum & 0xff) << 8) | (checksum >> 8);
        // 264 bits of version and key, then 16 of the checksum, in two words: 255 bits and 25.
        uint256 head = (uint256(uint8(ACCOUNT_VERSION)) << 247) | (uint256(key) >> 9);
        uint256 tail = ((uint256(key) & 0x1ff) << 16) | swapped;
        text = new bytes(LETTERS);
        for (uint256 i = HEAD_LETTERS; i > 0; i--) {
            text[i - 1] = ALPHABET[head & LETTER_MASK];
            head >>= LETTER_BITS;
        }
        for (uint256 i = LETTERS; i > HEAD_LETTERS; i--) {
            text[i - 1] = ALPHABET[tail & LETTER_MASK];
            tail >>= LETTER_BITS;
        }
    }

    /// @dev CRC16-XMODEM, a byte at a time and without a table.
    function _checksum(bytes memory data) private pure returns (uint256 crc) {
        for (uint256 i = 0; i < data.length; i++) {
            uint256 x = (crc >> 8) ^ uint8(data[i]);
            x ^= x >> 4;
            crc = ((crc << 8) ^ (x << 12) ^ (x << 5) ^ x) & 0xffff;
        }
    }
}
