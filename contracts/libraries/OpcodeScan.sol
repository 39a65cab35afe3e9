// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Whether code does the same everywhere
/// @notice A program is run by its channel's nodes and again by the chain, so it must not ask for anything that differs
/// between them, nor reach beyond its own storage. Looked at is every instruction that can ever run: those behind the
/// start and behind each JUMPDEST, up to the next one that goes no further. What stands behind the code, metadata for
/// instance, is no exception: where it has a byte that is a JUMPDEST, it can be jumped to.
///
/// The only calls are those of precompiled contracts 1 to 9 and 0x100, as PUSH, GAS, STATICCALL in a row, with no place
/// between them to jump to.
library OpcodeScan {
    /// @dev One bit for each opcode that a program may use.
    uint256 private constant ALLOWED =
        // STOP to SIGNEXTEND.
        0xfff |
            // LT to CLZ.
            (0x7fff << 0x10) |
            // KECCAK256.
            (1 << 0x20) |
            // CALLVALUE, CALLDATALOAD, CALLDATASIZE, CALLDATACOPY, CODESIZE, CODECOPY.
            (0x3f << 0x34) |
            // RETURNDATASIZE, RETURNDATACOPY.
            (3 << 0x3d) |
            // POP to MSIZE.
            (0x3ff << 0x50) |
            // JUMPDEST to PUSH0.
            (0x1f << 0x5b) |
            // PUSH1 to SWAP16.
            (0xffffffffffffffff << 0x60) |
            // LOG0 to LOG4.
            (0x1f << 0xa0) |
            // RETURN, REVERT, INVALID.
            (1 << 0xf3) |
            (3 << 0xfd);
    /// @dev STOP, JUMP, RETURN, REVERT, INVALID: the instruction behind is reached by a jump or not at all.
    uint256 private constant ENDS = 1 | (1 << 0x56) | (1 << 0xf3) | (3 << 0xfd);
    uint256 private constant JUMPDEST = 0x5b;
    uint256 private constant PUSH1 = 0x60;
    uint256 private constant PUSH32 = 0x7f;
    bytes1 private constant DESIGNATOR = 0xef;

    /// @dev PUSH1 nn GAS STATICCALL, without nn.
    uint256 private constant SHORT_CALL = 0x60005afa;
    uint256 private constant SHORT_CALL_MASK = 0xff00ffff;
    uint256 private constant SHORT_CALL_BYTES = 4;
    uint256 private constant LAST_PRECOMPILE = 9;
    /// @dev PUSH2 0x0100 GAS STATICCALL: P256VERIFY.
    uint256 private constant LONG_CALL = 0x6101005afa;
    uint256 private constant LONG_CALL_BYTES = 5;

    /// @notice There is no code at this address.
    error OpcodeScan_NoCode(address program);
    /// @notice The code is a designator of EIP-7702, or of a format that is none of a program's: it can become other code.
    error OpcodeScan_Designator(address program);
    /// @notice The program can reach an opcode that is refused or unknown.
    error OpcodeScan_Forbidden(address program, uint256 offset, uint8 opcode);

    /// @notice Hash of a program's code. Reverts as said above when it is no program.
    function check(address program) internal view returns (bytes32 codeHash) {
        bytes memory code = program.code;
        if (code.length == 0) revert OpcodeScan_NoCode(program);
        if (code[0] == DESIGNATOR) revert OpcodeScan_Designator(program);
        uint256 offset = firstForbidden(code);
        if (offset < code.length) revert OpcodeScan_Forbidden(program, offset, uint8(code[offset]));
        return keccak256(code);
    }

    /// @notice Offset of the first instruction that is refused; the code's length when there is none.
    function firstForbidden(bytes memory code) internal pure returns (uint256 offset) {
        uint256 length = code.length;
        bool isReached = true;
        // Offsets are below the code's length and a push's, which do not overflow.
        unchecked {
            while (offset < length) {
                uint256 word;
                assembly ("memory-safe") {
                    word := mload(add(add(code, 0x20), offset))
                }
                uint256 opcode = word >> 248;
                if (opcode == JUMPDEST) isReached = true;
                if (opcode >= PUSH1 && opcode <= PUSH32) {
                    offset += _stepOf(word, opcode, length - offset);
                    continue;
                }
                if (isReached) {
                    if ((ALLOWED >> opcode) & 1 == 0) return offset;
                    isReached = (ENDS >> opcode) & 1 == 0;
                }
                offset++;
            }
        }
        return length;
    }

    /// @dev How far the next instruction is from a push; the one behind a precompile's call.
    function _stepOf(uint256 word, uint256 opcode, uint256 left) private pure returns (uint256) {
        // Bounded by the sizes of the words that are shifted.
        unchecked {
            uint256 head = word >> 224;
            uint256 precompile = (head >> 16) & 0xff;
            if (head & SHORT_CALL_MASK == SHORT_CALL && precompile != 0 && precompile <= LAST_PRECOMPILE) {
                if (left >= SHORT_CALL_BYTES) return SHORT_CALL_BYTES;
            }
            if (word >> 216 == LONG_CALL && left >= LONG_CALL_BYTES) return LONG_CALL_BYTES;
            // What of its data is behind the end counts as zeros.
            uint256 step = opcode - PUSH1 + 2;
            return step < left ? step : left;
        }
    }
}
