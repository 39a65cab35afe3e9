// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Direction, LAND_KINDS, LAND_WORDS} from "../types/LandTypes.sol";

/// @title Fields of a land
/// @notice 32 by 16 fields of 4 bits: 0 is grass, 1 to 5 is a field that holds one thing of that kind, 14 is water, 15 rock.
/// Field y * 32 + x is in the word field / 64, the first in the lowest bits. North is y = 0.
library LandMap {
    uint256 internal constant WIDTH = 32;
    uint256 internal constant HEIGHT = 16;
    uint256 internal constant FIELDS = WIDTH * HEIGHT;
    uint256 internal constant GRASS = 0;
    uint256 internal constant WATER = 14;
    uint256 internal constant ROCK = 15;

    uint256 private constant FIELDS_PER_WORD = 64;
    uint256 private constant BITS = 4;
    uint256 private constant MASK = 15;

    /// @notice A field that is none.
    error LandMap_BadField(uint256 field, uint256 value);

    /// @notice What is on a field.
    function get(uint256[LAND_WORDS] storage fields, uint256 field) internal view returns (uint256) {
        return (fields[field / FIELDS_PER_WORD] >> _shift(field)) & MASK;
    }

    function set(uint256[LAND_WORDS] storage fields, uint256 field, uint256 value) internal {
        fields[field / FIELDS_PER_WORD] = _with(fields[field / FIELDS_PER_WORD], field, value);
    }

    /// @notice How many fields hold each kind; the first of them is kind 1.
    /// @dev Reverts with _BadField.
    function count(uint256[LAND_WORDS] memory fields) internal pure returns (uint256[LAND_KINDS] memory counts) {
        for (uint256 field = 0; field < FIELDS; field++) {
            uint256 value = (fields[field / FIELDS_PER_WORD] >> _shift(field)) & MASK;
            if (isKind(value)) counts[value - 1]++;
            else if (value != GRASS && value < WATER) revert LandMap_BadField(field, value);
        }
    }

    /// @notice The same fields with grass in the place of what there is none of, and of what is no field.
    /// @param amounts Of each kind, what there is.
    /// @return fitting The fields.
    /// @return left Of each kind, what there is no field for.
    function fit(
        uint256[LAND_WORDS] memory fields,
        uint256[LAND_KINDS] memory amounts
    ) internal pure returns (uint256[LAND_WORDS] memory fitting, uint256[LAND_KINDS] memory left) {
        for (uint256 i = 0; i < LAND_KINDS; i++) {
            left[i] = amounts[i];
        }
        for (uint256 field = 0; field < FIELDS; field++) {
            uint256 value = (fields[field / FIELDS_PER_WORD] >> _shift(field)) & MASK;
            bool stays = value >= WATER;
            if (isKind(value) && left[value - 1] != 0) {
                stays = true;
                left[value - 1]--;
            }
            if (stays) fitting[field / FIELDS_PER_WORD] |= value << _shift(field);
        }
    }

    function isKind(uint256 value) internal pure returns (bool) {
        return value != GRASS && value <= LAND_KINDS;
    }

    function fieldOf(uint256 x, uint256 y) internal pure returns (uint256) {
        return y * WIDTH + x;
    }

    /// @notice The next field in a direction.
    /// @return isThere False at the land's end.
    function next(uint256 x, uint256 y, Direction to) internal pure returns (bool isThere, uint256 x_, uint256 y_) {
        if (to == Direction.North) return (y > 0, x, y > 0 ? y - 1 : y);
        if (to == Direction.South) return (y + 1 < HEIGHT, x, y + 1);
        if (to == Direction.West) return (x > 0, x > 0 ? x - 1 : x, y);
        return (x + 1 < WIDTH, x + 1, y);
    }

    function _with(uint256 word, uint256 field, uint256 value) private pure returns (uint256) {
        return (word & ~(MASK << _shift(field))) | (value << _shift(field));
    }

    function _shift(uint256 field) private pure returns (uint256) {
        return (field % FIELDS_PER_WORD) * BITS;
    }
}
