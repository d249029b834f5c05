"""Pictures of COCO with people's joints and masks, and balls."""
