// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Texts as numbers of their characters
/// @notice UTF-8 of RFC 3629: the shortest form, no surrogates, nothing above U+10FFFF.
library Utf8 {
    uint256 private constant LAST_OF_1 = 0x7f;
    uint256 private constant LAST_OF_2 = 0x7ff;
    uint256 private constant LAST_OF_3 = 0xffff;
    uint256 private constant LAST = 0x10ffff;

    /// @notice The text is not UTF-8 at this byte.
    error Utf8_Invalid(uint256 offset);

    /// @dev Reverts with _Invalid.
    function decode(bytes memory text) internal pure returns (uint24[] memory characters) {
        characters = new uint24[](text.length);
        uint256 count;
        uint256 offset;
        while (offset < text.length) {
            uint256 character;
            uint256 size;
            (character, size) = _decodeAt(text, offset);
            characters[count++] = uint24(character);
            offset += size;
        }
        assembly ("memory-safe") {
            // No longer than it was.
            mstore(characters, count)
        }
    }

    /// @param characters The first `count` of them are encoded; they are what `decode` gives.
    function encode(uint24[] memory characters, uint256 count) internal pure returns (bytes memory text) {
        text = new bytes(4 * count);
        uint256 length;
        for (uint256 i = 0; i < count; i++) {
            uint256 character = characters[i];
            uint256 size = _sizeOf(character);
            uint256 lead = size == 1 ? 0 : (0xf00 >> size) & 0xff;
            text[length] = bytes1(uint8(lead | (character >> (6 * (size - 1)))));
            for (uint256 j = 1; j < size; j++) {
                text[length + j] = bytes1(uint8(0x80 | ((character >> (6 * (size - 1 - j))) & 0x3f)));
            }
            length += size;
        }
        assembly ("memory-safe") {
            mstore(text, length)
        }
    }

    function _decodeAt(bytes memory text, uint256 offset) private pure returns (uint256 character, uint256 size) {
        uint256 lead = uint8(text[offset]);
        if (lead < 0x80) return (lead, 1);
        size =
            lead >= 0xf0
                ? 4
                : lead >= 0xe0
                    ? 3
                    : 2;
        if (lead < 0xc0 || lead > 0xf7 || offset + size > text.length) revert Utf8_Invalid(offset);
        character = lead & (0x7f >> size);
        for (uint256 i = 1; i < size; i++) {
            uint256 next = uint8(text[offset + i]);
            if (next >> 6 != 2) revert Utf8_Invalid(offset);
            character = (character << 6) | (next & 0x3f);
        }
        bool isSurrogate = character >= 0xd800 && character <= 0xdfff;
        if (isSurrogate || character > LAST || _sizeOf(character) != size) revert Utf8_Invalid(offset);
    }

    function _sizeOf(uint256 character) private pure returns (uint256) {
        if (character <= LAST_OF_1) return 1;
        if (character <= LAST_OF_2) return 2;
        return character <= LAST_OF_3 ? 3 : 4;
    }
}
