// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Utf8} from "../libraries/Utf8.sol";
import {MemberProgram} from "./MemberProgram.sol";

/// @title A text that many write at once
/// @notice Each character that was ever written has an id and stays in the list, so that whoever writes says behind which
/// character, and it means the same whatever others did meanwhile. Of two texts behind one character, the one whose record
/// came later stands first, and both stay whole. What was removed stays in the list unseen.
///
/// The id of the i-th character of a text that record h wrote is h * 256 + i + 1, i from 0; 0 is the text's beginning.
/// Ids are known when the call returns.
contract DocumentProgram is MemberProgram {
    /// @dev One slot.
    struct Character {
        // The character behind it, 0 for none.
        uint64 next;
        uint24 character;
        bool isRemoved;
        address author;
    }

    /// @notice As a page of `charactersFrom` has it.
    struct CharacterView {
        uint64 id;
        uint24 character;
        bool isRemoved;
        address author;
    }

    /// @notice Characters that a call writes or removes, or that the text begins with.
    uint256 public constant MAX_CHARACTERS = 64;
    uint64 private constant IDS_PER_RECORD = 256;

    /// @notice What the document is called.
    string public title;
    /// @notice Characters that are there, and those that ever were.
    uint128 public length;
    uint128 public written;
    /// @dev 0 is the beginning, of no character and never removed.
    mapping(uint64 id => Character) private _characters;

    event Inserted(uint64 indexed afterId, uint64 firstId, address indexed author, string text);
    event Removed(uint64[] ids, address indexed author);

    /// @notice A text has 1 to MAX_CHARACTERS characters, and as many are removed at once.
    error DocumentProgram_BadLength(uint256 max, uint256 actual);
    /// @notice No character has this id.
    error DocumentProgram_NoCharacter(uint64 id);

    /// @notice Writes a text behind a character, one that was removed too.
    /// @return firstId Of the text's first character; the others follow.
    /// @dev Members only (MemberProgram_NotMember). Reverts with _NoCharacter, _BadLength, Utf8_Invalid.
    function insert(uint64 afterId, string calldata text) external onlyMember returns (uint64 firstId) {
        _requireCharacter(afterId);
        firstId = _insert(afterId, text, _sender());
        emit Inserted(afterId, firstId, _sender(), text);
    }

    /// @notice Removes characters. Those that somebody removed before stay removed.
    /// @dev Members only (MemberProgram_NotMember). Reverts with _NoCharacter, _BadLength.
    function remove(uint64[] calldata ids) external onlyMember {
        _requireLength(ids.length);
        uint128 removed;
        for (uint256 i = 0; i < ids.length; i++) {
            if (ids[i] == 0) revert DocumentProgram_NoCharacter(0);
            _requireCharacter(ids[i]);
            if (_characters[ids[i]].isRemoved) continue;
            _characters[ids[i]].isRemoved = true;
            removed++;
        }
        length -= removed;
        emit Removed(ids, _sender());
    }

    /// @notice The text as it is.
    function content() external view returns (string memory) {
        uint24[] memory all = new uint24[](length);
        uint256 count;
        for (uint64 id = _characters[0].next; id != 0; id = _characters[id].next) {
            if (!_characters[id].isRemoved) all[count++] = _characters[id].character;
        }
        return string(Utf8.encode(all, count));
    }

    /// @notice At most `limit` characters behind one, removed ones among them, in the order of the text.
    /// @dev Reverts with _NoCharacter.
    function charactersFrom(uint64 afterId, uint256 limit) external view returns (CharacterView[] memory page) {
        _requireCharacter(afterId);
        page = new CharacterView[](limit < written ? limit : written);
        uint256 count;
        uint64 id = _characters[afterId].next;
        for (; id != 0 && count < page.length; id = _characters[id].next) {
            Character storage one = _characters[id];
            page[count++] = CharacterView(id, one.character, one.isRemoved, one.author);
        }
        assembly ("memory-safe") {
            // No longer than it was.
            mstore(page, count)
        }
    }

    function _initialize(bytes calldata initialState) internal override {
        string memory begin;
        (title, begin) = abi.decode(initialState, (string, string));
        if (bytes(begin).length != 0) _insert(0, begin, SYSTEM);
    }

    function _insert(uint64 afterId, string memory text, address author) private returns (uint64 firstId) {
        uint24[] memory characters = Utf8.decode(bytes(text));
        _requireLength(characters.length);
        firstId = _height() * IDS_PER_RECORD + 1;
        uint64 next = _characters[afterId].next;
        _characters[afterId].next = firstId;
        for (uint64 i = 0; i < characters.length; i++) {
            bool isLast = i + 1 == characters.length;
            _characters[firstId + i] = Character({
                next: isLast ? next : firstId + i + 1,
                character: characters[i],
                isRemoved: false,
                author: author
            });
        }
        length += uint128(characters.length);
        written += uint128(characters.length);
    }

    function _requireCharacter(uint64 id) private view {
        // Whoever wrote a character has an address.
        if (id != 0 && _characters[id].author == address(0)) revert DocumentProgram_NoCharacter(id);
    }

    function _requireLength(uint256 count) private pure {
        if (count == 0 || count > MAX_CHARACTERS) revert DocumentProgram_BadLength(MAX_CHARACTERS, count);
    }
}
