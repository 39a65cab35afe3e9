// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev Kinds of things that a field can hold and a hero can carry, numbered from 1.
uint256 constant LAND_KINDS = 5;
/// @dev Words of a land: each has 64 fields of 4 bits, the first in the lowest.
uint256 constant LAND_WORDS = 8;

/// @dev A land, as its world keeps it.
struct Land {
    // Whose it is: opens its channels, ends them, and answers for its stock.
    address lord;
    // Where it is; zero: at home.
    address game;
    string name;
    // As it was when it was at home last.
    uint256[LAND_WORDS] fields;
}

/// @dev What a land's channel begins with.
struct LandGenesis {
    string name;
    // In whose name the program keeps the land's stock.
    address landAccount;
    // Who brings it.
    address lord;
    // The tokens of heroes and things.
    address heroToken;
    address itemToken;
    uint256[LAND_WORDS] fields;
}

/// @dev Where something lies, from where it stands.
enum Direction {
    North,
    East,
    South,
    West
}

/// @dev What a hero is doing.
enum Deed {
    Rest,
    Walk,
    Dig,
    Put
}

/// @dev A hero on a land. One slot.
struct Hero {
    address owner;
    uint8 x;
    uint8 y;
    Direction facing;
    Deed deed;
    // Steps to go, or the kind of what it puts.
    uint8 argument;
    // Ticks that it has dug.
    uint8 progress;
    // Of the token.
    uint24 id;
    // Fields that it has dug out.
    uint24 dug;
}

/// @dev A hero as people see it.
struct HeroView {
    uint8 seat;
    Hero hero;
    // Of each kind, what its owner carries.
    uint256[LAND_KINDS] items;
}

/// @dev All that there is to see of a land.
struct LandView {
    string name;
    uint64 tick;
    uint256[LAND_WORDS] fields;
    // Of each kind, what is in the land.
    uint256[LAND_KINDS] stock;
    HeroView[] heroes;
}
